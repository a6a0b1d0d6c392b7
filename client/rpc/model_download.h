// A model as it comes in, chunk by chunk, and how much of it is here already.
#ifndef FEDGAP_CLIENT_RPC_MODEL_DOWNLOAD_H_
#define FEDGAP_CLIENT_RPC_MODEL_DOWNLOAD_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/federation/model_id.h"
#include "common/tensor/parameters.h"
#include "common/wire/chunk_wire.h"

namespace fedgap {

// Keeps what has arrived and been verified, so that another connection can go
// on from there. Not thread-safe.
class ModelDownload {
 public:
  // `max_bytes` bounds what a server can make this client allocate; `memory` is
  // written over, where it is as long as the model.
  ModelDownload(const ModelId& id, const Sha256Digest& layout_hash,
                std::int64_t max_bytes, Parameters memory = {})
      : id_(id),
        layout_hash_(layout_hash),
        max_bytes_(max_bytes),
        parameters_(std::move(memory)) {}

  const ModelId& id() const { return id_; }
  // Where the next chunk begins.
  std::int64_t offset() const { return offset_; }

  // The next chunk. INVALID_ARGUMENT: out of order, beyond the model's end, or
  // a length that changes or is no whole number of parameters;
  // RESOURCE_EXHAUSTED: longer than max_bytes.
  Status Add(const ModelChunkView& chunk);

  // The parameters, which the object then no longer has. DATA_LOSS if chunks
  // are missing or do not add up to the id; the download then begins anew.
  StatusOr<Parameters> Take();

 private:
  ModelId id_;
  Sha256Digest layout_hash_;
  std::int64_t max_bytes_;
  std::int64_t offset_ = 0;
  std::int64_t total_bytes_ = 0;  // 0: not known yet
  Parameters parameters_;
  std::vector<Sha256Digest> chunks_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_RPC_MODEL_DOWNLOAD_H_
