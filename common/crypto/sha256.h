// SHA-256 (FIPS 180-4, section 6.2), by OpenSSL.
#ifndef FEDGAP_COMMON_CRYPTO_SHA256_H_
#define FEDGAP_COMMON_CRYPTO_SHA256_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

using Sha256Digest = std::array<std::uint8_t, 32>;

// A digest of bytes that come in pieces. Not thread-safe; movable (a moved-from
// object may only be assigned or destroyed).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void Update(std::span<const std::uint8_t> bytes);
  void Update(std::string_view text);
  // The digest of all updates since construction or the last Finish; the
  // object then starts anew.
  Sha256Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256Digest Sha256Of(std::span<const std::uint8_t> bytes);
Sha256Digest Sha256Of(std::string_view text);

// Lower-case, two digits a byte.
std::string ToHex(std::span<const std::uint8_t> bytes);

// The digest from 64 hexadecimal digits of either case; INVALID_ARGUMENT for
// anything else.
StatusOr<Sha256Digest> ParseSha256Hex(std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_SHA256_H_
