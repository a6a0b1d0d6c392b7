#include "common/federation/model_id.h"

#include <algorithm>
#include <bit>

namespace fedgap {

static_assert(std::endian::native == std::endian::little,
              "buffers are hashed and sent as they stand in memory");

Sha256Digest LayoutHash(const Layout& layout) {
  return Sha256Of(layout.CanonicalText());
}

ModelDigest DigestModel(const Sha256Digest& layout_hash,
                        std::span<const float> parameters) {
  std::span<const std::uint8_t> bytes(
      reinterpret_cast<const std::uint8_t*>(parameters.data()),
      parameters.size_bytes());
  ModelDigest result;
  while (!bytes.empty()) {
    const std::size_t size =
        std::min(bytes.size(), static_cast<std::size_t>(kModelChunkBytes));
    result.chunks.push_back(Sha256Of(bytes.first(size)));
    bytes = bytes.subspan(size);
  }
  result.id = ModelIdOf(layout_hash, result.chunks);
  return result;
}

ModelId ModelIdOf(const Sha256Digest& layout_hash,
                  std::span<const Sha256Digest> chunks) {
  Sha256 hash;
  hash.Update(layout_hash);
  for (const Sha256Digest& chunk : chunks) hash.Update(chunk);
  return ModelId{hash.Finish()};
}

std::string ToHex(const ModelId& id) {
  return ToHex(std::span<const std::uint8_t>(id.digest));
}

StatusOr<ModelId> ParseModelId(const std::string& hex) {
  auto digest = ParseSha256Hex(hex);
  if (!digest.ok()) return Annotate(digest.status(), "model id");
  return ModelId{*digest};
}

}  // namespace fedgap
