// X.509 certificate revocation lists (RFC 5280, section 5): which of an
// authority's certificates no longer count, although they have not expired.
#ifndef FEDGAP_COMMON_CRYPTO_REVOCATION_LIST_H_
#define FEDGAP_COMMON_CRYPTO_REVOCATION_LIST_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/certificate.h"

struct X509_crl_st;  // OpenSSL's X509_CRL

namespace fedgap {

struct Revocation {
  std::string serial;  // as Certificate::SerialNumber says it
  Clock::WallTime time{};

  friend bool operator==(const Revocation&, const Revocation&) = default;
};

// Immutable; movable (a moved-from list may only be assigned or destroyed);
// thread-safe.
class RevocationList {
 public:
  // Takes over OpenSSL's handle, not null. For the sources of this folder.
  explicit RevocationList(X509_crl_st* handle) : list_(handle) {}

  std::string ToPem() const;

  // Counts up with every list that the authority makes; 0 if it has none.
  std::int64_t Number() const;
  std::string IssuerCommonName() const;
  Clock::WallTime IssuedAt() const;
  Clock::WallTime GoodUntil() const;
  // In the order of the list.
  std::vector<Revocation> Revocations() const;
  // When the certificate of this serial number was revoked; nothing if it was
  // not.
  std::optional<Clock::WallTime> RevokedAt(std::string_view serial) const;
  // OK if one of `authorities` signed the list; else FAILED_PRECONDITION.
  Status CheckIssuedBy(std::span<const Certificate> authorities) const;

  // For the sources of this folder.
  X509_crl_st* handle() const { return list_.get(); }

 private:
  struct Free {
    void operator()(X509_crl_st* list) const;
  };
  std::unique_ptr<X509_crl_st, Free> list_;
};

// Every list of a PEM text, in order (two authorities while they are changed
// over). INVALID_ARGUMENT if there is none or if one is damaged.
StatusOr<std::vector<RevocationList>> ParseRevocationLists(
    std::string_view pem);

// The same, where what can be read counts although the rest is damaged.
struct ReadableLists {
  std::vector<RevocationList> lists;
  Status rest;  // what ParseRevocationLists says of the text
};
ReadableLists ParseReadableRevocationLists(std::string_view pem);

// PERMISSION_DENIED if one of `lists` holds `serial`: says since when, and what
// to do. `whose` is named in the message: "the certificate of site-1".
Status RevokedError(std::string_view serial, std::string_view whose,
                    Clock::WallTime since);
Status CheckNotRevoked(std::string_view serial, std::string_view whose,
                       std::span<const RevocationList> lists);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_REVOCATION_LIST_H_
