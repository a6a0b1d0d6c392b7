#include "common/crypto/certificate_request.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <span>

#include "common/base/check.h"
#include "common/crypto/openssl_handles.h"

namespace fedgap {
namespace {

// NIST's name, or another algorithm's.
bool IsKnown(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) return true;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return false;
  char group[32] = {};
  return EVP_PKEY_get_group_name(key, group, sizeof group, nullptr) == 1 &&
         std::string_view(group) == SN_X9_62_prime256v1;
}

}  // namespace

void CertificateRequest::Free::operator()(X509_req_st* request) const {
  X509_REQ_free(request);
}

CertificateRequest CertificateRequest::Make(const PrivateKey& key) {
  CertificateRequest request(X509_REQ_new());
  X509_REQ* handle = request.request_.get();
  FEDGAP_CHECK(handle != nullptr);
  FEDGAP_CHECK(X509_REQ_set_version(handle, X509_REQ_VERSION_1) == 1);
  FEDGAP_CHECK(X509_REQ_set_pubkey(handle, key.handle()) == 1);
  FEDGAP_CHECK(X509_REQ_sign(handle, key.handle(), key.signature_digest()) > 0);
  return request;
}

StatusOr<CertificateRequest> CertificateRequest::FromPem(std::string_view pem) {
  ERR_clear_error();
  const openssl::BioPtr bio(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  FEDGAP_CHECK(bio != nullptr);
  CertificateRequest request(
      PEM_read_bio_X509_REQ(bio.get(), nullptr, nullptr, nullptr));
  if (request.request_ == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("no readable certificate request in this PEM text ({}); it "
                    "needs a block -----BEGIN CERTIFICATE REQUEST-----",
                    openssl::TakeError()));
  }
  if (request.key() == nullptr || !IsKnown(request.key())) {
    ERR_clear_error();
    return absl::InvalidArgumentError(
        "the request has another key than P-256 or Ed25519");
  }
  if (X509_REQ_verify(request.request_.get(), request.key()) != 1) {
    return absl::InvalidArgumentError(fmt::format(
        "the request is not signed by its own key ({})", openssl::TakeError()));
  }
  return request;
}

std::string CertificateRequest::ToPem() const {
  const openssl::BioPtr bio(BIO_new(BIO_s_mem()));
  FEDGAP_CHECK(bio != nullptr);
  FEDGAP_CHECK(PEM_write_bio_X509_REQ(bio.get(), request_.get()) == 1);
  return openssl::TextOf(bio.get());
}

Sha256Digest CertificateRequest::KeyFingerprint() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key(), &der);
  FEDGAP_CHECK(size > 0);
  const Sha256Digest digest =
      Sha256Of(std::span(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return digest;
}

evp_pkey_st* CertificateRequest::key() const {
  return X509_REQ_get0_pubkey(request_.get());
}

}  // namespace fedgap
