// A global model as it is handed out: immutable, shared by in-flight RPCs.
#ifndef FEDGAP_SERVER_CORE_MODEL_SNAPSHOT_H_
#define FEDGAP_SERVER_CORE_MODEL_SNAPSHOT_H_

#include <cstdint>
#include <span>
#include <utility>

#include "common/base/thread_pool.h"
#include "common/federation/model_id.h"
#include "common/tensor/parameters.h"

namespace fedgap {

class ModelSnapshot {
 public:
  // `parameters` is the whole buffer; its first `federated` elements travel.
  // Hashed on the threads of `pool`.
  ModelSnapshot(const Sha256Digest& layout_hash, Parameters parameters,
                std::int64_t federated, ThreadPool& pool)
      : parameters_(std::move(parameters)),
        federated_(federated),
        digest_(DigestModel(layout_hash, this->federated(), pool)) {}

  const ModelId& id() const { return digest_.id; }
  const ModelDigest& digest() const { return digest_; }
  const Parameters& parameters() const { return parameters_; }
  std::span<const float> federated() const {
    return std::span(parameters_).first(static_cast<std::size_t>(federated_));
  }
  // The bytes that travel (little-endian float32).
  std::span<const std::uint8_t> bytes() const {
    const auto part = federated();
    return {reinterpret_cast<const std::uint8_t*>(part.data()),
            part.size_bytes()};
  }

 private:
  Parameters parameters_;
  std::int64_t federated_;
  ModelDigest digest_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_MODEL_SNAPSHOT_H_
