// The authority of one federation: it vouches for who is who. Its key stays
// with the operator; neither server nor client ever needs it.
#ifndef FEDGAP_COMMON_CRYPTO_CERTIFICATE_AUTHORITY_H_
#define FEDGAP_COMMON_CRYPTO_CERTIFICATE_AUTHORITY_H_

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/certificate.h"
#include "common/crypto/certificate_request.h"
#include "common/crypto/identity.h"
#include "common/crypto/private_key.h"
#include "common/crypto/revocation_list.h"

namespace fedgap {

struct AuthorityOptions {
  std::string federation = {};
  std::chrono::days validity{3650};
  KeyAlgorithm algorithm = KeyAlgorithm::kP256;
};

struct IssueOptions {
  Role role = Role::kClient;
  std::string name = {};
  // Where a server answers; empty for the other roles. A DNS name may start
  // with "*.".
  std::vector<std::string> dns_names = {};
  std::vector<std::string> ip_addresses = {};
  std::chrono::days validity{365};
  KeyAlgorithm algorithm = KeyAlgorithm::kP256;
};

// A certificate and the key that belongs to it.
struct Credentials {
  Certificate certificate;
  PrivateKey key;
};

// Movable; thread-safe. Certificates are X.509 v3 with random 127-bit serial
// numbers (RFC 5280, 4.1.2.2; CA/Browser Forum asks for 64 random bits), and
// are valid from five minutes before `now`, because clocks differ.
class CertificateAuthority {
 public:
  // A new self-signed authority: basicConstraints CA with path length 0, so it
  // can sign certificates but no further authority. INVALID_ARGUMENT for a bad
  // name or a validity that is not 1 to 36500 days.
  static StatusOr<CertificateAuthority> Init(const AuthorityOptions& options,
                                             Clock::WallTime now);
  // From its own PEM texts. INVALID_ARGUMENT if one is unreadable or the
  // certificate is no fedgap authority's; FAILED_PRECONDITION if key and
  // certificate do not match.
  static StatusOr<CertificateAuthority> FromPem(std::string_view certificate,
                                                std::string_view key);

  // A new key and a certificate on it, with the identity (this federation,
  // role, name) as URI SAN; extendedKeyUsage serverAuth for a server, else
  // clientAuth, so that neither can pose as the other. INVALID_ARGUMENT for a
  // bad name or address, a server without any, or a bad validity;
  // FAILED_PRECONDITION if the authority has expired or would expire before
  // the certificate does.
  StatusOr<Credentials> Issue(const IssueOptions& options,
                              Clock::WallTime now) const;

  // The same on the key of a request, of which `options.algorithm` is not
  // asked.
  StatusOr<Certificate> Issue(const IssueOptions& options,
                              const CertificateRequest& request,
                              Clock::WallTime now) const;

  // A new list of everything that was ever revoked; `number` must be above that
  // of the list before. It says that the next one comes when the authority
  // ends: a list does not go stale, it is replaced when it changes.
  // INVALID_ARGUMENT for what is no serial number.
  StatusOr<RevocationList> SignRevocations(
      std::span<const Revocation> revocations, std::int64_t number,
      Clock::WallTime now) const;

  const std::string& federation() const { return federation_; }
  const Certificate& certificate() const { return own_.certificate; }
  const PrivateKey& key() const { return own_.key; }

 private:
  CertificateAuthority(std::string federation, Credentials own)
      : federation_(std::move(federation)), own_(std::move(own)) {}
  StatusOr<Certificate> Certify(const IssueOptions& options, evp_pkey_st* key,
                                Clock::WallTime now) const;

  std::string federation_;
  Credentials own_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_CERTIFICATE_AUTHORITY_H_
