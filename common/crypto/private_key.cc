#include "common/crypto/private_key.h"

#include <fmt/format.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

#include <optional>
#include <vector>

#include "common/base/check.h"
#include "common/base/did_you_mean.h"
#include "common/crypto/openssl_handles.h"

namespace fedgap {
namespace {

// Stops OpenSSL from asking for a passphrase at the terminal.
int RefusePassphrase(char*, int, int, void*) { return -1; }

// Empty for an algorithm that we do not accept.
std::optional<KeyAlgorithm> AlgorithmOf(const EVP_PKEY* key) {
  if (EVP_PKEY_get_id(key) == EVP_PKEY_ED25519) return KeyAlgorithm::kEd25519;
  if (EVP_PKEY_get_id(key) != EVP_PKEY_EC) return std::nullopt;
  char group[64] = {};
  if (EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) != 1 ||
      std::string_view(group) != SN_X9_62_prime256v1) {
    return std::nullopt;
  }
  return KeyAlgorithm::kP256;
}

}  // namespace

std::string_view KeyAlgorithmName(KeyAlgorithm algorithm) {
  return algorithm == KeyAlgorithm::kP256 ? "p256" : "ed25519";
}

StatusOr<KeyAlgorithm> ParseKeyAlgorithm(std::string_view text) {
  const std::vector<std::string> names = {"p256", "ed25519"};
  if (text == names[0]) return KeyAlgorithm::kP256;
  if (text == names[1]) return KeyAlgorithm::kEd25519;
  return absl::InvalidArgumentError(
      fmt::format("unknown key algorithm '{}'; choose p256 or ed25519{}", text,
                  DidYouMean(text, names)));
}

void PrivateKey::Free::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}

PrivateKey PrivateKey::Generate(KeyAlgorithm algorithm) {
  EVP_PKEY* key =
      algorithm == KeyAlgorithm::kP256
          ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", SN_X9_62_prime256v1)
          : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  FEDGAP_CHECK(key != nullptr);
  return PrivateKey(key);
}

StatusOr<PrivateKey> PrivateKey::FromPem(std::string_view pem) {
  const openssl::BioPtr bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  FEDGAP_CHECK(bio != nullptr);
  ERR_clear_error();
  EVP_PKEY* handle =
      PEM_read_bio_PrivateKey(bio.get(), nullptr, RefusePassphrase, nullptr);
  if (handle == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("no readable private key in this PEM text ({}); an "
                    "unencrypted PKCS #8 key is needed",
                    openssl::TakeError()));
  }
  PrivateKey key(handle);
  if (!AlgorithmOf(handle).has_value()) {
    const char* name = EVP_PKEY_get0_type_name(handle);
    return absl::InvalidArgumentError(fmt::format(
        "the private key is of type {}; only P-256 and Ed25519 keys are "
        "accepted",
        name != nullptr ? name : "unknown"));
  }
  return key;
}

std::string PrivateKey::ToPem() const {
  const openssl::BioPtr bio(BIO_new(BIO_s_secmem()));
  FEDGAP_CHECK(bio != nullptr);
  FEDGAP_CHECK(PEM_write_bio_PKCS8PrivateKey(bio.get(), key_.get(), nullptr,
                                             nullptr, 0, nullptr,
                                             nullptr) == 1);
  return openssl::TextOf(bio.get());
}

KeyAlgorithm PrivateKey::algorithm() const { return *AlgorithmOf(key_.get()); }

const evp_md_st* PrivateKey::signature_digest() const {
  return algorithm() == KeyAlgorithm::kP256 ? EVP_sha256() : nullptr;
}

}  // namespace fedgap
