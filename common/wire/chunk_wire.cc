#include "common/wire/chunk_wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/crypto/xxh3.h"
#include "common/federation/model_id.h"
#include "common/wire/limits.h"
#include "common/wire/message_reader.h"

namespace fedgap {
namespace {

BytePieces ViewOf(const std::string& bytes) {
  return BytePieces::Piece(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                           bytes.size());
}

std::string StringOf(const BytePieces& bytes) {
  std::string text(static_cast<std::size_t>(bytes.size()), '\0');
  bytes.CopyTo(reinterpret_cast<std::uint8_t*>(text.data()));
  return text;
}

Sha256Digest Sha256Of(const BytePieces& bytes) {
  Sha256 hash;
  for (const auto piece : bytes) hash.Update(piece);
  return hash.Finish();
}

}  // namespace

v1::ModelChunk HeadToProto(const ModelChunkView& chunk) {
  v1::ModelChunk proto;
  proto.set_offset(chunk.offset);
  proto.set_total_bytes(chunk.total_bytes);
  proto.set_sha256(BytesOf(chunk.digest));
  return proto;
}

v1::ModelChunk ToProto(const ModelChunkView& chunk) {
  v1::ModelChunk proto = HeadToProto(chunk);
  proto.set_data(StringOf(chunk.bytes));
  return proto;
}

StatusOr<ModelChunkView> FromProto(const v1::ModelChunk& proto) {
  return FromProto(proto, ViewOf(proto.data()));
}

StatusOr<ModelChunkView> FromProto(const v1::ModelChunk& head,
                                   BytePieces bytes) {
  MessageReader in("model chunk");
  ModelChunkView chunk;
  chunk.total_bytes =
      in.Integer("total_bytes", head.total_bytes(), 4, kMaxVectorBytes);
  chunk.offset = in.Integer("offset", head.offset(), 0, chunk.total_bytes - 1);
  in.Require(chunk.total_bytes % 4 == 0, "total_bytes",
             "is not a whole number of float32");
  in.Require(chunk.offset % kModelChunkBytes == 0, "offset",
             "is not a multiple of 1 MiB");
  const std::int64_t wanted =
      std::min(kModelChunkBytes, chunk.total_bytes - chunk.offset);
  in.Require(bytes.size() == wanted, "data",
             fmt::format("has {} bytes where {} belong", bytes.size(), wanted));
  chunk.digest = in.Digest("sha256", head.sha256());
  FEDGAP_RETURN_IF_ERROR(in.status());
  chunk.bytes = std::move(bytes);
  if (Sha256Of(chunk.bytes) != chunk.digest) {
    return absl::DataLossError(fmt::format(
        "the model's chunk at byte {} does not match its SHA-256; it was "
        "damaged on its way",
        chunk.offset));
  }
  return chunk;
}

v1::UpdateChunk HeadToProto(const UpdateChunkView& chunk) {
  v1::UpdateChunk proto;
  proto.set_offset(chunk.offset);
  proto.set_xxh3_64(Xxh3Of64(chunk.bytes));
  return proto;
}

v1::UpdateChunk ToProto(const UpdateChunkView& chunk) {
  v1::UpdateChunk proto = HeadToProto(chunk);
  proto.set_data(StringOf(chunk.bytes));
  return proto;
}

StatusOr<UpdateChunkView> FromProto(const v1::UpdateChunk& proto) {
  return FromProto(proto, ViewOf(proto.data()));
}

StatusOr<UpdateChunkView> FromProto(const v1::UpdateChunk& head,
                                    BytePieces bytes) {
  if (bytes.size() > kMaxUpdateChunkBytes) {
    return absl::ResourceExhaustedError(
        fmt::format("the chunk has {} bytes; at most {} are taken",
                    bytes.size(), kMaxUpdateChunkBytes));
  }
  MessageReader in("update chunk");
  UpdateChunkView chunk;
  chunk.offset = in.Integer("offset", head.offset(), 0, kMaxVectorBytes);
  in.Require(!bytes.empty(), "data", "is empty");
  FEDGAP_RETURN_IF_ERROR(in.status());
  chunk.bytes = std::move(bytes);
  if (Xxh3Of64(chunk.bytes) != head.xxh3_64()) {
    return absl::DataLossError(fmt::format(
        "the update's chunk at byte {} does not match its checksum; it was "
        "damaged on its way, send it again",
        chunk.offset));
  }
  return chunk;
}

}  // namespace fedgap
