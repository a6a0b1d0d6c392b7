// Chunks of models and updates on the wire. Views borrow from the message
// or from where its bytes stand.
#ifndef FEDGAP_COMMON_WIRE_CHUNK_WIRE_H_
#define FEDGAP_COMMON_WIRE_CHUNK_WIRE_H_

#include <cstdint>

#include "common/base/byte_pieces.h"
#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "fedgap/v1/federation.pb.h"
#include "fedgap/v1/update.pb.h"

namespace fedgap {

// A part of a model; the digest has been checked against the bytes.
struct ModelChunkView {
  std::int64_t offset = 0;
  std::int64_t total_bytes = 0;
  BytePieces bytes;
  Sha256Digest digest{};
};

// All but the bytes, which stand in field v1::ModelChunk::kDataFieldNumber.
v1::ModelChunk HeadToProto(const ModelChunkView& chunk);
v1::ModelChunk ToProto(const ModelChunkView& chunk);
// INVALID_ARGUMENT: offset, length or total do not fit each other (every chunk
// but the last has kModelChunkBytes). DATA_LOSS: the digest does not match.
StatusOr<ModelChunkView> FromProto(const v1::ModelChunk& proto);
// The same of a message whose bytes stand elsewhere.
StatusOr<ModelChunkView> FromProto(const v1::ModelChunk& head,
                                   BytePieces bytes);

// A part of an update; the checksum has been checked against the bytes.
struct UpdateChunkView {
  std::int64_t offset = 0;
  BytePieces bytes;
};

// All but the bytes, which stand in field v1::UpdateChunk::kDataFieldNumber.
v1::UpdateChunk HeadToProto(const UpdateChunkView& chunk);
v1::UpdateChunk ToProto(const UpdateChunkView& chunk);
// INVALID_ARGUMENT: a negative offset or no bytes. RESOURCE_EXHAUSTED: more
// than kMaxUpdateChunkBytes. DATA_LOSS: the checksum does not match.
StatusOr<UpdateChunkView> FromProto(const v1::UpdateChunk& proto);
// The same of a message whose bytes stand elsewhere.
StatusOr<UpdateChunkView> FromProto(const v1::UpdateChunk& head,
                                    BytePieces bytes);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_CHUNK_WIRE_H_
