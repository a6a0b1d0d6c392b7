// X.509 certificates (RFC 5280) as fedgap uses them: a public key, and in the
// subject alternative names whose it is and at which addresses it answers.
#ifndef FEDGAP_COMMON_CRYPTO_CERTIFICATE_H_
#define FEDGAP_COMMON_CRYPTO_CERTIFICATE_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/identity.h"
#include "common/crypto/private_key.h"
#include "common/crypto/sha256.h"

struct x509_st;  // OpenSSL's X509

namespace fedgap {

// The subject alternative names.
struct AlternativeNames {
  std::vector<std::string> dns;
  std::vector<std::string> ip;  // textual: "10.0.0.1", "::1"
  std::vector<std::string> uri;
};

// Immutable; movable (a moved-from certificate may only be assigned or
// destroyed); thread-safe.
class Certificate {
 public:
  // The first certificate in `pem`; what stands before it is skipped.
  // INVALID_ARGUMENT if there is none or if it is damaged.
  static StatusOr<Certificate> FromPem(std::string_view pem);
  // Takes over OpenSSL's handle, not null. For the sources of this folder.
  explicit Certificate(x509_st* handle) : certificate_(handle) {}

  std::string ToPem() const;

  // From the one URI SAN. INVALID_ARGUMENT if there is none, more than one, or
  // if it is not a fedgap identity: the certificate is of another system.
  StatusOr<Identity> GetIdentity() const;
  AlternativeNames GetAlternativeNames() const;
  // The subject's common name: for people only, nothing decides on it.
  std::string CommonName() const;
  std::string IssuerCommonName() const;
  Clock::WallTime NotBefore() const;
  Clock::WallTime NotAfter() const;
  // Lower-case hexadecimal.
  std::string SerialNumber() const;
  // SHA-256 of the DER form: what two people compare over the phone.
  Sha256Digest Fingerprint() const;
  // Whether it may sign other certificates (basicConstraints CA).
  bool IsAuthority() const;
  // "P-256", "Ed25519", or OpenSSL's name of another algorithm.
  std::string KeyAlgorithmText() const;

  // For the sources of this folder.
  x509_st* handle() const { return certificate_.get(); }

 private:
  struct Free {
    void operator()(x509_st* certificate) const;
  };
  std::unique_ptr<x509_st, Free> certificate_;
};

// Every certificate of a PEM text, in order. INVALID_ARGUMENT if there is none
// or if one is damaged.
StatusOr<std::vector<Certificate>> ParseCertificates(std::string_view pem);

// "2026-11-22 19:30:00 UTC".
std::string FormatUtc(Clock::WallTime time);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_CERTIFICATE_H_
