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
  ThreadPool none(1);
  return DigestModel(layout_hash, parameters, none);
}

ModelDigest DigestModel(const Sha256Digest& layout_hash,
                        std::span<const float> parameters, ThreadPool& pool) {
  const std::span<const std::uint8_t> bytes(
      reinterpret_cast<const std::uint8_t*>(parameters.data()),
      parameters.size_bytes());
  constexpr auto kChunk = static_cast<std::size_t>(kModelChunkBytes);
  ModelDigest result;
  result.chunks.resize((bytes.size() + kChunk - 1) / kChunk);
  pool.ParallelFor(static_cast<int>(result.chunks.size()), [&](int i, int) {
    const std::size_t begin = static_cast<std::size_t>(i) * kChunk;
    result.chunks[static_cast<std::size_t>(i)] =
        Sha256Of(bytes.subspan(begin, std::min(kChunk, bytes.size() - begin)));
  });
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
