// Content addresses of layouts and models.
#ifndef FEDGAP_COMMON_FEDERATION_MODEL_ID_H_
#define FEDGAP_COMMON_FEDERATION_MODEL_ID_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/federation/ids.h"
#include "common/tensor/layout.h"

namespace fedgap {

// Models travel in chunks of this many bytes (the last may be shorter).
inline constexpr std::int64_t kModelChunkBytes = 1 << 20;

// SHA-256 of layout.CanonicalText().
Sha256Digest LayoutHash(const Layout& layout);

// What content-addresses one model. Chunks can be verified one by one, and a
// transfer can resume at any of them.
struct ModelDigest {
  ModelId id;
  std::vector<Sha256Digest> chunks;
};

// The digest of a buffer of float32 (the federated range of a model: local
// tensors never enter). The bytes are hashed as little-endian.
ModelDigest DigestModel(const Sha256Digest& layout_hash,
                        std::span<const float> parameters);
// The same, chunk by chunk on the threads of `pool`.
ModelDigest DigestModel(const Sha256Digest& layout_hash,
                        std::span<const float> parameters, ThreadPool& pool);
// The id from the digests of the chunks alone.
ModelId ModelIdOf(const Sha256Digest& layout_hash,
                  std::span<const Sha256Digest> chunks);

// 64 lower-case hex digits.
std::string ToHex(const ModelId& id);
StatusOr<ModelId> ParseModelId(const std::string& hex);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_MODEL_ID_H_
