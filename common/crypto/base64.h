// Base64 with padding (RFC 4648, section 4).
#ifndef FEDGAP_COMMON_CRYPTO_BASE64_H_
#define FEDGAP_COMMON_CRYPTO_BASE64_H_

#include <cstdint>
#include <span>
#include <string>

namespace fedgap {

std::string ToBase64(std::span<const std::uint8_t> bytes);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_BASE64_H_
