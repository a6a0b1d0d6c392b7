// Private to common/crypto: OpenSSL's ASN.1 values as ours.
#ifndef FEDGAP_COMMON_CRYPTO_ASN1_VALUES_H_
#define FEDGAP_COMMON_CRYPTO_ASN1_VALUES_H_

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include <chrono>
#include <ctime>
#include <span>
#include <string>

#include "common/base/check.h"
#include "common/base/clock.h"
#include "common/crypto/sha256.h"

namespace fedgap::openssl {

// A certificate with an unreadable date is one that ended in 1970.
inline Clock::WallTime TimeOf(const ASN1_TIME* time) {
  std::tm utc{};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return Clock::WallTime();
  return std::chrono::system_clock::from_time_t(::timegm(&utc));
}

inline void SetTime(ASN1_TIME* target, Clock::WallTime time) {
  FEDGAP_CHECK(ASN1_TIME_set(target, std::chrono::system_clock::to_time_t(
                                         time)) != nullptr);
}

// A serial number, lower-case.
inline std::string HexOf(const ASN1_INTEGER* serial) {
  return ToHex(std::span(ASN1_STRING_get0_data(serial),
                         static_cast<std::size_t>(ASN1_STRING_length(serial))));
}

inline std::string TextOf(const ASN1_STRING* text) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<std::size_t>(ASN1_STRING_length(text)));
}

// "" if the name has none.
inline std::string CommonNameOf(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at < 0) return "";
  return TextOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

}  // namespace fedgap::openssl

#endif  // FEDGAP_COMMON_CRYPTO_ASN1_VALUES_H_
