#include "common/wire/chunk_wire.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/crypto/xxh3.h"
#include "common/federation/model_id.h"
#include "common/wire/limits.h"
#include "common/wire/message_reader.h"

namespace fedgap {
namespace {

std::span<const std::uint8_t> ViewOf(const std::string& bytes) {
  return {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()};
}

std::string StringOf(std::span<const std::uint8_t> bytes) {
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
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
  MessageReader in("model chunk");
  ModelChunkView chunk;
  chunk.total_bytes =
      in.Integer("total_bytes", proto.total_bytes(), 4, kMaxVectorBytes);
  chunk.offset = in.Integer("offset", proto.offset(), 0, chunk.total_bytes - 1);
  in.Require(chunk.total_bytes % 4 == 0, "total_bytes",
             "is not a whole number of float32");
  in.Require(chunk.offset % kModelChunkBytes == 0, "offset",
             "is not a multiple of 1 MiB");
  const std::int64_t wanted =
      std::min(kModelChunkBytes, chunk.total_bytes - chunk.offset);
  in.Require(
      static_cast<std::int64_t>(proto.data().size()) == wanted, "data",
      fmt::format("has {} bytes where {} belong", proto.data().size(), wanted));
  chunk.digest = in.Digest("sha256", proto.sha256());
  FEDGAP_RETURN_IF_ERROR(in.status());
  chunk.bytes = ViewOf(proto.data());
  if (Sha256Of(chunk.bytes) != chunk.digest) {
    return absl::DataLossError(fmt::format(
        "the model's chunk at byte {} does not match its SHA-256; it was "
        "damaged on its way",
        chunk.offset));
  }
  return chunk;
}

void SetProto(const UpdateChunkView& chunk, v1::UpdateChunk& proto) {
  proto.set_offset(chunk.offset);
  proto.set_data(chunk.bytes.data(), chunk.bytes.size());
  proto.set_xxh3_64(Xxh3Of64(chunk.bytes));
}

v1::UpdateChunk ToProto(const UpdateChunkView& chunk) {
  v1::UpdateChunk proto;
  SetProto(chunk, proto);
  return proto;
}

StatusOr<UpdateChunkView> FromProto(const v1::UpdateChunk& proto) {
  const auto bytes = static_cast<std::int64_t>(proto.data().size());
  if (bytes > kMaxUpdateChunkBytes) {
    return absl::ResourceExhaustedError(
        fmt::format("the chunk has {} bytes; at most {} are taken", bytes,
                    kMaxUpdateChunkBytes));
  }
  MessageReader in("update chunk");
  UpdateChunkView chunk;
  chunk.offset = in.Integer("offset", proto.offset(), 0, kMaxVectorBytes);
  in.Require(bytes > 0, "data", "is empty");
  FEDGAP_RETURN_IF_ERROR(in.status());
  chunk.bytes = ViewOf(proto.data());
  if (Xxh3Of64(chunk.bytes) != proto.xxh3_64()) {
    return absl::DataLossError(fmt::format(
        "the update's chunk at byte {} does not match its checksum; it was "
        "damaged on its way, send it again",
        chunk.offset));
  }
  return chunk;
}

}  // namespace fedgap
