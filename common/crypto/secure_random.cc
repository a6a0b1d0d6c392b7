#include "common/crypto/secure_random.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <bit>
#include <cerrno>
#include <vector>

#include "common/base/check.h"

namespace fedgap {

void FillRandom(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    FEDGAP_CHECK(got > 0);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

std::uint64_t RandomUint64() {
  std::array<std::uint8_t, 8> bytes;
  FillRandom(bytes);
  return std::bit_cast<std::uint64_t>(bytes);
}

std::string RandomHex(std::size_t bytes) {
  std::vector<std::uint8_t> random(bytes);
  FillRandom(random);
  std::string hex;
  for (const std::uint8_t byte : random) hex += fmt::format("{:02x}", byte);
  return hex;
}

}  // namespace fedgap
