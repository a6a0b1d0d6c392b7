// PKCS #10 certification requests (RFC 2986): somebody has a key and wants a
// certificate on it; the key itself does not travel.
#ifndef FEDGAP_COMMON_CRYPTO_CERTIFICATE_REQUEST_H_
#define FEDGAP_COMMON_CRYPTO_CERTIFICATE_REQUEST_H_

#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/crypto/private_key.h"
#include "common/crypto/sha256.h"

struct X509_req_st;  // OpenSSL's X509_REQ
struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace fedgap {

// Immutable; movable (a moved-from request may only be assigned or destroyed);
// thread-safe. Only the key of a request counts: who it is for is the
// authority's decision, so names and extensions in it are passed over.
class CertificateRequest {
 public:
  // Signed by `key`, which shows that its owner asks.
  static CertificateRequest Make(const PrivateKey& key);
  // INVALID_ARGUMENT: no request, damaged, not signed by its own key, or a key
  // that is neither P-256 nor Ed25519.
  static StatusOr<CertificateRequest> FromPem(std::string_view pem);

  std::string ToPem() const;
  // SHA-256 of the public key (SubjectPublicKeyInfo in DER).
  Sha256Digest KeyFingerprint() const;

  // The public key; lives as long as this. For the sources of this folder.
  evp_pkey_st* key() const;

 private:
  struct Free {
    void operator()(X509_req_st* request) const;
  };
  explicit CertificateRequest(X509_req_st* handle) : request_(handle) {}

  std::unique_ptr<X509_req_st, Free> request_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_CERTIFICATE_REQUEST_H_
