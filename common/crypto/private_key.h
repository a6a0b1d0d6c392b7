// The private half of a certificate's key pair.
#ifndef FEDGAP_COMMON_CRYPTO_PRIVATE_KEY_H_
#define FEDGAP_COMMON_CRYPTO_PRIVATE_KEY_H_

#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"

struct evp_md_st;    // OpenSSL's EVP_MD
struct evp_pkey_st;  // OpenSSL's EVP_PKEY

namespace fedgap {

// Nothing else is made or accepted: an RSA key would also let TLS 1.2 in (see
// common/rpc/tls_credentials.h).
enum class KeyAlgorithm {
  kP256,     // ECDSA over NIST P-256 (FIPS 186-4): every TLS stack has it
  kEd25519,  // RFC 8032
};

// "p256", "ed25519".
std::string_view KeyAlgorithmName(KeyAlgorithm algorithm);
StatusOr<KeyAlgorithm> ParseKeyAlgorithm(std::string_view text);

// Immutable; movable (a moved-from key may only be assigned or destroyed);
// thread-safe. Security: the bytes of a key leave only through ToPem; write
// them with mode 0600 and print them nowhere.
class PrivateKey {
 public:
  // A new key from OpenSSL's generator, which the system seeds.
  static PrivateKey Generate(KeyAlgorithm algorithm);

  // The first private key in `pem`, unencrypted; what stands before it (a
  // certificate, say) is skipped. INVALID_ARGUMENT if there is none, if it is
  // encrypted or damaged, or if it is of another algorithm.
  static StatusOr<PrivateKey> FromPem(std::string_view pem);

  // PKCS #8, unencrypted.
  std::string ToPem() const;
  KeyAlgorithm algorithm() const;

  // For the sources of this folder: the key, and the digest with which it signs
  // (null: Ed25519 has its own built in).
  const evp_md_st* signature_digest() const;
  evp_pkey_st* handle() const { return key_.get(); }

 private:
  struct Free {
    void operator()(evp_pkey_st* key) const;
  };
  explicit PrivateKey(evp_pkey_st* key) : key_(key) {}

  std::unique_ptr<evp_pkey_st, Free> key_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CRYPTO_PRIVATE_KEY_H_
