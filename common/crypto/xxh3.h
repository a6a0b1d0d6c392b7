// XXH3 checksums by libxxhash: they find accidents (a torn write, a bad cable)
// many times faster than SHA-256. NOT cryptographic: anybody can make two texts
// with one checksum, so nothing is trusted or addressed by them.
#ifndef FEDGAP_COMMON_CRYPTO_XXH3_H_
#define FEDGAP_COMMON_CRYPTO_XXH3_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "common/base/byte_pieces.h"

namespace fedgap {

// The 128-bit checksum in XXH3's canonical order (big-endian, high half first).
using Xxh3Digest = std::array<std::uint8_t, 16>;

std::uint64_t Xxh3Of64(std::span<const std::uint8_t> bytes);
std::uint64_t Xxh3Of64(const BytePieces& bytes);
Xxh3Digest Xxh3Of128(std::span<const std::uint8_t> bytes);

// The 128-bit checksum of bytes that come in pieces. Not thread-safe; movable
// (a moved-from object may only be assigned or destroyed).
class Xxh3 {
 public:
  Xxh3();
  ~Xxh3();
  Xxh3(Xxh3&&) noexcept;
  Xxh3& operator=(Xxh3&&) noexcept;

  void Update(std::span<const std::uint8_t> bytes);
  // The checksum of all updates so far; more may follow.
  Xxh3Digest Digest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_XXH3_H_
