#include "common/crypto/certificate.h"

#include <arpa/inet.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/pem.h>

#include <ctime>

#include "common/base/check.h"
#include "common/crypto/asn1_values.h"
#include "common/crypto/openssl_handles.h"

namespace fedgap {
namespace {

std::string AddressText(const ASN1_OCTET_STRING* address) {
  const int family = ASN1_STRING_length(address) == 4 ? AF_INET : AF_INET6;
  char text[INET6_ADDRSTRLEN] = {};
  if (family == AF_INET6 && ASN1_STRING_length(address) != 16) return "?";
  FEDGAP_CHECK(::inet_ntop(family, ASN1_STRING_get0_data(address), text,
                           sizeof(text)) != nullptr);
  return text;
}

openssl::BioPtr ReadOnly(std::string_view text) {
  ERR_clear_error();  // so that an error found later is this text's
  openssl::BioPtr bio(
      BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  FEDGAP_CHECK(bio != nullptr);
  return bio;
}

Status NoCertificate() {
  return absl::InvalidArgumentError(
      fmt::format("no readable certificate in this PEM text ({}); it needs a "
                  "block -----BEGIN CERTIFICATE-----",
                  openssl::TakeError()));
}

}  // namespace

void Certificate::Free::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

StatusOr<Certificate> Certificate::FromPem(std::string_view pem) {
  const openssl::BioPtr bio = ReadOnly(pem);
  X509* handle = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr);
  if (handle == nullptr) return NoCertificate();
  return Certificate(handle);
}

std::string Certificate::ToPem() const {
  const openssl::BioPtr bio(BIO_new(BIO_s_mem()));
  FEDGAP_CHECK(bio != nullptr);
  FEDGAP_CHECK(PEM_write_bio_X509(bio.get(), handle()) == 1);
  return openssl::TextOf(bio.get());
}

StatusOr<Identity> Certificate::GetIdentity() const {
  const std::vector<std::string> uris = GetAlternativeNames().uri;
  if (uris.size() != 1) {
    return absl::InvalidArgumentError(fmt::format(
        "the certificate has {} URI names; one made by `fedgap certs issue` "
        "has exactly one, its identity",
        uris.size()));
  }
  return ParseIdentityUri(uris[0]);
}

AlternativeNames Certificate::GetAlternativeNames() const {
  AlternativeNames names;
  const openssl::GeneralNamesPtr list(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(handle(), NID_subject_alt_name, nullptr, nullptr)));
  if (list == nullptr) return names;
  for (int i = 0; i < sk_GENERAL_NAME_num(list.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(list.get(), i);
    if (name->type == GEN_DNS) {
      names.dns.push_back(openssl::TextOf(name->d.dNSName));
    }
    if (name->type == GEN_IPADD) {
      names.ip.push_back(AddressText(name->d.iPAddress));
    }
    if (name->type == GEN_URI) {
      names.uri.push_back(openssl::TextOf(name->d.uniformResourceIdentifier));
    }
  }
  return names;
}

std::string Certificate::CommonName() const {
  return openssl::CommonNameOf(X509_get_subject_name(handle()));
}

std::string Certificate::IssuerCommonName() const {
  return openssl::CommonNameOf(X509_get_issuer_name(handle()));
}

Clock::WallTime Certificate::NotBefore() const {
  return openssl::TimeOf(X509_get0_notBefore(handle()));
}

Clock::WallTime Certificate::NotAfter() const {
  return openssl::TimeOf(X509_get0_notAfter(handle()));
}

std::string Certificate::SerialNumber() const {
  return openssl::HexOf(X509_get0_serialNumber(handle()));
}

Sha256Digest Certificate::Fingerprint() const {
  Sha256Digest digest;
  FEDGAP_CHECK(X509_digest(handle(), EVP_sha256(), digest.data(), nullptr) ==
               1);
  return digest;
}

bool Certificate::IsAuthority() const {
  // 1 is a v3 authority; the other non-zero answers are old guesses.
  return X509_check_ca(handle()) == 1;
}

std::string Certificate::KeyAlgorithmText() const {
  const EVP_PKEY* key = X509_get0_pubkey(handle());
  if (key == nullptr) return "unreadable";
  if (EVP_PKEY_get_id(key) == EVP_PKEY_ED25519) return "Ed25519";
  char group[64] = {};
  if (EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) == 1) {
    return std::string_view(group) == SN_X9_62_prime256v1 ? "P-256" : group;
  }
  const char* name = EVP_PKEY_get0_type_name(key);
  return name != nullptr ? name : "unknown";
}

StatusOr<std::vector<Certificate>> ParseCertificates(std::string_view pem) {
  const openssl::BioPtr bio = ReadOnly(pem);
  std::vector<Certificate> certificates;
  while (X509* handle =
             PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(handle);
  }
  // "No start line" after the last block is the ordinary end.
  const bool ended =
      ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (certificates.empty() || !ended) return NoCertificate();
  ERR_clear_error();
  return certificates;
}

std::string FormatUtc(Clock::WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(seconds));
}

}  // namespace fedgap
