#include "common/crypto/sha256.h"

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/crypto/openssl_handles.h"

namespace fedgap {
namespace {

std::span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// -1 for anything but a hexadecimal digit.
int HexValue(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

struct Sha256::State {
  openssl::DigestContextPtr context{EVP_MD_CTX_new()};

  void Start() {
    FEDGAP_CHECK(EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  FEDGAP_CHECK(state_->context != nullptr);
  state_->Start();
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::Update(std::span<const std::uint8_t> bytes) {
  FEDGAP_CHECK(
      EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

void Sha256::Update(std::string_view text) { Update(BytesOf(text)); }

Sha256Digest Sha256::Finish() {
  Sha256Digest digest;
  FEDGAP_CHECK(
      EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  state_->Start();
  return digest;
}

Sha256Digest Sha256Of(std::span<const std::uint8_t> bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.Finish();
}

Sha256Digest Sha256Of(std::string_view text) { return Sha256Of(BytesOf(text)); }

std::string ToHex(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

StatusOr<Sha256Digest> ParseSha256Hex(std::string_view text) {
  Sha256Digest digest;
  if (text.size() != 2 * digest.size()) {
    return absl::InvalidArgumentError(fmt::format(
        "a SHA-256 digest has 64 hexadecimal digits; this text has {} "
        "characters",
        text.size()));
  }
  for (std::size_t i = 0; i < digest.size(); ++i) {
    const int high = HexValue(text[2 * i]);
    const int low = HexValue(text[2 * i + 1]);
    if (high < 0 || low < 0) {
      return absl::InvalidArgumentError(fmt::format(
          "a SHA-256 digest has 64 hexadecimal digits; character {} or {} is "
          "none",
          2 * i + 1, 2 * i + 2));
    }
    digest[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return digest;
}

}  // namespace fedgap
