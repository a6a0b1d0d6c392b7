#include "common/federation/update.h"

#include <fmt/format.h>

#include <bit>

#include "common/crypto/xxh3.h"
#include "common/nn/batch_metrics.h"

namespace fedgap {

// Counts come from outside: their sum must not overflow before anybody has
// looked at it.
std::int64_t UpdateInfo::samples() const {
  std::int64_t sum = 0;
  for (const GroupCounts& count : counts) {
    sum = SaturatingAdd(sum, count.samples);
  }
  return sum;
}

std::int64_t UpdateInfo::pixels() const {
  std::int64_t sum = 0;
  for (const GroupCounts& count : counts) {
    sum = SaturatingAdd(sum, count.pixels);
  }
  return sum;
}

std::string DeltaDigest(std::span<const float> delta) {
  static_assert(std::endian::native == std::endian::little);
  const Xxh3Digest digest =
      Xxh3Of128({reinterpret_cast<const std::uint8_t*>(delta.data()),
                 delta.size_bytes()});
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace fedgap
