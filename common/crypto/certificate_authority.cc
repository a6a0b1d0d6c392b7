#include "common/crypto/certificate_authority.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>
#include <utility>

#include "common/base/check.h"
#include "common/crypto/asn1_values.h"
#include "common/crypto/certificate_checks.h"
#include "common/crypto/openssl_handles.h"
#include "common/crypto/secure_random.h"

namespace fedgap {
namespace {

constexpr std::chrono::minutes kBackdating{5};
constexpr std::chrono::days kMaxValidity{36500};

// Whom a certificate is about, and for how long.
struct Subject {
  std::string common_name;
  std::string organization;
  EVP_PKEY* key;
  Clock::WallTime not_before;
  Clock::WallTime not_after;
};

// An extension in OpenSSL's configuration syntax (x509v3_config(5)).
struct Extension {
  int nid;
  std::string value;
};

Status CheckPeriod(std::chrono::days validity) {
  if (validity >= std::chrono::days(1) && validity <= kMaxValidity) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("a certificate cannot be valid for {} days; give 1 to {}",
                  validity.count(), kMaxValidity.count()));
}

// Letters, digits and '-' in labels of 1 to 63 characters (RFC 1123, 2.1). The
// narrow alphabet also keeps OpenSSL's configuration syntax out of a name.
bool IsDnsName(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  char previous = '.';
  for (const char c : name) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9');
    if (!word && c != '-' && c != '.') return false;
    if ((c == '.' || c == '-') && previous == '.') return false;
    if (c == '.' && previous == '-') return false;
    label = c == '.' ? 0 : label + 1;
    if (label > 63) return false;
    previous = c;
  }
  return previous != '.' && previous != '-';
}

bool IsIpAddress(const std::string& text) {
  std::array<unsigned char, 16> bytes;
  return ::inet_pton(AF_INET, text.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1;
}

void SetRandomSerial(X509* certificate) {
  std::array<std::uint8_t, 16> bytes;
  FillRandom(bytes);
  // Positive, and always of the same length.
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);
  const openssl::BignumPtr number(
      BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  FEDGAP_CHECK(number != nullptr);
  FEDGAP_CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(
                                                    certificate)) != nullptr);
}

void AddNameEntry(X509_NAME* name, const char* field, const std::string& text) {
  FEDGAP_CHECK(X509_NAME_add_entry_by_txt(
                   name, field, MBSTRING_UTF8,
                   reinterpret_cast<const unsigned char*>(text.data()),
                   static_cast<int>(text.size()), -1, 0) == 1);
}

Certificate NewCertificate(const Subject& subject) {
  Certificate certificate(X509_new());
  X509* handle = certificate.handle();
  FEDGAP_CHECK(handle != nullptr);
  FEDGAP_CHECK(X509_set_version(handle, X509_VERSION_3) == 1);
  SetRandomSerial(handle);
  openssl::SetTime(X509_getm_notBefore(handle), subject.not_before);
  openssl::SetTime(X509_getm_notAfter(handle), subject.not_after);
  AddNameEntry(X509_get_subject_name(handle), "O", subject.organization);
  AddNameEntry(X509_get_subject_name(handle), "CN", subject.common_name);
  FEDGAP_CHECK(X509_set_pubkey(handle, subject.key) == 1);
  return certificate;
}

// Extensions refer to subject and issuer, so the order of `extensions` counts:
// the subject key identifier comes before the authority's.
void AddExtensions(const Certificate& certificate, const Certificate& issuer,
                   const std::vector<Extension>& extensions) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.handle(), certificate.handle(), nullptr,
                 nullptr, 0);
  X509V3_set_ctx_nodb(&context);
  for (const Extension& extension : extensions) {
    const openssl::ExtensionPtr built(X509V3_EXT_conf_nid(
        nullptr, &context, extension.nid, extension.value.c_str()));
    FEDGAP_CHECK(built != nullptr);
    FEDGAP_CHECK(X509_add_ext(certificate.handle(), built.get(), -1) == 1);
  }
}

void Sign(const Certificate& certificate, const PrivateKey& key) {
  FEDGAP_CHECK(X509_sign(certificate.handle(), key.handle(),
                         key.signature_digest()) > 0);
}

void SetIssuer(const Certificate& certificate, const Certificate& issuer) {
  FEDGAP_CHECK(X509_set_issuer_name(certificate.handle(),
                                    X509_get_subject_name(issuer.handle())) ==
               1);
}

std::vector<Extension> LeafExtensions(const IssueOptions& options,
                                      const std::string& uri) {
  std::string names = "URI:" + uri;
  for (const std::string& dns : options.dns_names) names += ",DNS:" + dns;
  for (const std::string& ip : options.ip_addresses) names += ",IP:" + ip;
  const bool server = options.role == Role::kServer;
  return {{NID_basic_constraints, "critical,CA:FALSE"},
          {NID_key_usage, "critical,digitalSignature"},
          {NID_ext_key_usage, server ? "serverAuth" : "clientAuth"},
          {NID_subject_key_identifier, "hash"},
          {NID_authority_key_identifier, "keyid:always"},
          {NID_subject_alt_name, names}};
}

Status CheckAddresses(const IssueOptions& options) {
  for (const std::string& dns : options.dns_names) {
    if (!IsDnsName(dns)) {
      return absl::InvalidArgumentError(fmt::format(
          "'{}' is no DNS name; give one like server.example.org", dns));
    }
  }
  for (const std::string& ip : options.ip_addresses) {
    if (!IsIpAddress(ip)) {
      return absl::InvalidArgumentError(fmt::format(
          "'{}' is no IP address; give one like 10.0.0.7 or 2001:db8::7", ip));
    }
  }
  const bool addresses =
      !options.dns_names.empty() || !options.ip_addresses.empty();
  if (options.role == Role::kServer && !addresses) {
    return absl::InvalidArgumentError(
        "a server's certificate needs the names or addresses at which clients "
        "reach it; give --dns or --ip");
  }
  if (options.role != Role::kServer && addresses) {
    return absl::InvalidArgumentError(
        fmt::format("only a server has DNS names and IP addresses; leave them "
                    "out for the role {}",
                    RoleName(options.role)));
  }
  return absl::OkStatus();
}

// Lower-case hexadecimal of at most 20 bytes (RFC 5280, 4.1.2.2); null if it is
// something else.
openssl::IntegerPtr ParseSerial(const std::string& serial) {
  constexpr std::size_t kMaxDigits = 40;
  const bool hex = !serial.empty() && serial.size() <= kMaxDigits &&
                   serial.find_first_not_of("0123456789abcdef") == serial.npos;
  if (!hex) return nullptr;
  BIGNUM* number = nullptr;
  FEDGAP_CHECK(BN_hex2bn(&number, serial.c_str()) > 0);
  const openssl::BignumPtr owner(number);
  openssl::IntegerPtr integer(BN_to_ASN1_INTEGER(number, nullptr));
  FEDGAP_CHECK(integer != nullptr);
  return integer;
}

Status AddRevocation(const RevocationList& list, const Revocation& revocation) {
  const openssl::IntegerPtr serial = ParseSerial(revocation.serial);
  if (serial == nullptr) {
    return absl::InvalidArgumentError(fmt::format(
        "'{}' is no serial number; give 1 to 40 digits 0-9 a-f, as `fedgap "
        "certs list` shows them",
        revocation.serial));
  }
  openssl::RevokedPtr entry(X509_REVOKED_new());
  FEDGAP_CHECK(entry != nullptr);
  FEDGAP_CHECK(X509_REVOKED_set_serialNumber(entry.get(), serial.get()) == 1);
  const openssl::TimePtr time(ASN1_TIME_new());
  FEDGAP_CHECK(time != nullptr);
  openssl::SetTime(time.get(), revocation.time);
  FEDGAP_CHECK(X509_REVOKED_set_revocationDate(entry.get(), time.get()) == 1);
  FEDGAP_CHECK(X509_CRL_add0_revoked(list.handle(), entry.release()) == 1);
  return absl::OkStatus();
}

// The two extensions that a list must have (RFC 5280, 5.2.1 and 5.2.3).
void AddListExtensions(const RevocationList& list, const Certificate& issuer,
                       std::int64_t number) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer.handle(), nullptr, nullptr, list.handle(), 0);
  X509V3_set_ctx_nodb(&context);
  const openssl::ExtensionPtr key(X509V3_EXT_conf_nid(
      nullptr, &context, NID_authority_key_identifier, "keyid:always"));
  FEDGAP_CHECK(key != nullptr);
  FEDGAP_CHECK(X509_CRL_add_ext(list.handle(), key.get(), -1) == 1);
  const openssl::IntegerPtr value(ASN1_INTEGER_new());
  FEDGAP_CHECK(value != nullptr);
  FEDGAP_CHECK(ASN1_INTEGER_set_int64(value.get(), number) == 1);
  FEDGAP_CHECK(X509_CRL_add1_ext_i2d(list.handle(), NID_crl_number, value.get(),
                                     /*crit=*/0, /*flags=*/0) == 1);
}

}  // namespace

StatusOr<CertificateAuthority> CertificateAuthority::Init(
    const AuthorityOptions& options, Clock::WallTime now) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string uri,
                          FormatFederationUri(options.federation));
  FEDGAP_RETURN_IF_ERROR(CheckPeriod(options.validity));
  PrivateKey key = PrivateKey::Generate(options.algorithm);
  Certificate certificate = NewCertificate(
      {.common_name = fmt::format("fedgap {} CA", options.federation),
       .organization = options.federation,
       .key = key.handle(),
       .not_before = now - kBackdating,
       .not_after = now + options.validity});
  SetIssuer(certificate, certificate);
  AddExtensions(certificate, certificate,
                {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                 {NID_key_usage, "critical,keyCertSign,cRLSign"},
                 {NID_subject_key_identifier, "hash"},
                 {NID_authority_key_identifier, "keyid:always"},
                 {NID_subject_alt_name, "URI:" + uri}});
  Sign(certificate, key);
  return CertificateAuthority(
      options.federation,
      {.certificate = std::move(certificate), .key = std::move(key)});
}

StatusOr<CertificateAuthority> CertificateAuthority::FromPem(
    std::string_view certificate_pem, std::string_view key_pem) {
  FEDGAP_ASSIGN_OR_RETURN(Certificate certificate,
                          Certificate::FromPem(certificate_pem));
  FEDGAP_ASSIGN_OR_RETURN(PrivateKey key, PrivateKey::FromPem(key_pem));
  const std::vector<std::string> uris = certificate.GetAlternativeNames().uri;
  if (!certificate.IsAuthority() || uris.size() != 1) {
    return absl::InvalidArgumentError(fmt::format(
        "the certificate '{}' is not an authority's; use the ca.pem "
        "that `fedgap certs init` made",
        certificate.CommonName()));
  }
  FEDGAP_ASSIGN_OR_RETURN(std::string federation, ParseFederationUri(uris[0]));
  FEDGAP_RETURN_IF_ERROR(CheckPair(certificate, key));
  return CertificateAuthority(
      std::move(federation),
      {.certificate = std::move(certificate), .key = std::move(key)});
}

StatusOr<Credentials> CertificateAuthority::Issue(const IssueOptions& options,
                                                  Clock::WallTime now) const {
  PrivateKey key = PrivateKey::Generate(options.algorithm);
  FEDGAP_ASSIGN_OR_RETURN(Certificate issued,
                          Certify(options, key.handle(), now));
  return Credentials{.certificate = std::move(issued), .key = std::move(key)};
}

StatusOr<Certificate> CertificateAuthority::Issue(
    const IssueOptions& options, const CertificateRequest& request,
    Clock::WallTime now) const {
  return Certify(options, request.key(), now);
}

StatusOr<Certificate> CertificateAuthority::Certify(const IssueOptions& options,
                                                    evp_pkey_st* key,
                                                    Clock::WallTime now) const {
  FEDGAP_ASSIGN_OR_RETURN(
      const std::string uri,
      FormatIdentityUri({federation_, options.role, options.name}));
  FEDGAP_RETURN_IF_ERROR(CheckAddresses(options));
  FEDGAP_RETURN_IF_ERROR(CheckPeriod(options.validity));
  FEDGAP_RETURN_IF_ERROR(CheckValidity(certificate(), now));
  if (now + options.validity > certificate().NotAfter()) {
    return absl::FailedPreconditionError(fmt::format(
        "a certificate of {} days would outlive its authority, which ends on "
        "{}; give fewer days, or make a new authority with `fedgap certs init`",
        options.validity.count(), FormatUtc(certificate().NotAfter())));
  }
  Certificate issued = NewCertificate({.common_name = options.name,
                                       .organization = federation_,
                                       .key = key,
                                       .not_before = now - kBackdating,
                                       .not_after = now + options.validity});
  SetIssuer(issued, certificate());
  AddExtensions(issued, certificate(), LeafExtensions(options, uri));
  Sign(issued, own_.key);
  return issued;
}

StatusOr<RevocationList> CertificateAuthority::SignRevocations(
    std::span<const Revocation> revocations, std::int64_t number,
    Clock::WallTime now) const {
  RevocationList list(X509_CRL_new());
  X509_CRL* handle = list.handle();
  FEDGAP_CHECK(handle != nullptr);
  FEDGAP_CHECK(X509_CRL_set_version(handle, X509_CRL_VERSION_2) == 1);
  FEDGAP_CHECK(X509_CRL_set_issuer_name(
                   handle, X509_get_subject_name(certificate().handle())) == 1);
  const openssl::TimePtr time(ASN1_TIME_new());
  FEDGAP_CHECK(time != nullptr);
  openssl::SetTime(time.get(), now);
  FEDGAP_CHECK(X509_CRL_set1_lastUpdate(handle, time.get()) == 1);
  openssl::SetTime(time.get(), certificate().NotAfter());
  FEDGAP_CHECK(X509_CRL_set1_nextUpdate(handle, time.get()) == 1);
  for (const Revocation& revocation : revocations) {
    FEDGAP_RETURN_IF_ERROR(AddRevocation(list, revocation));
  }
  AddListExtensions(list, certificate(), number);
  FEDGAP_CHECK(X509_CRL_sort(handle) == 1);
  FEDGAP_CHECK(X509_CRL_sign(handle, own_.key.handle(),
                             own_.key.signature_digest()) > 0);
  return list;
}

}  // namespace fedgap
