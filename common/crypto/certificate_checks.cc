#include "common/crypto/certificate_checks.h"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/crypto/openssl_handles.h"

namespace fedgap {
namespace {

std::string Named(const Certificate& certificate) {
  return fmt::format("certificate '{}'", certificate.CommonName());
}

}  // namespace

Status CheckPair(const Certificate& certificate, const PrivateKey& key) {
  if (X509_check_private_key(certificate.handle(), key.handle()) == 1) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(fmt::format(
      "the private key does not belong to the {} ({}); use the two from one "
      "bundle, or issue a new bundle with `fedgap certs issue`",
      Named(certificate), openssl::TakeError()));
}

Status CheckValidity(const Certificate& certificate, Clock::WallTime now) {
  if (now > certificate.NotAfter()) {
    return absl::FailedPreconditionError(fmt::format(
        "the {} expired on {}, and this machine's clock says {}; issue a new "
        "one with `fedgap certs issue`",
        Named(certificate), FormatUtc(certificate.NotAfter()), FormatUtc(now)));
  }
  if (now < certificate.NotBefore()) {
    return absl::FailedPreconditionError(fmt::format(
        "the {} is not valid before {}, and this machine's clock says {}; "
        "set the clock right, or wait",
        Named(certificate), FormatUtc(certificate.NotBefore()),
        FormatUtc(now)));
  }
  return absl::OkStatus();
}

Status CheckIssuedBy(const Certificate& certificate,
                     std::span<const Certificate> authorities) {
  const openssl::StorePtr store(X509_STORE_new());
  const openssl::StoreContextPtr context(X509_STORE_CTX_new());
  FEDGAP_CHECK(store != nullptr && context != nullptr);
  std::vector<std::string> names;
  for (const Certificate& authority : authorities) {
    FEDGAP_CHECK(X509_STORE_add_cert(store.get(), authority.handle()) == 1);
    names.push_back(authority.CommonName());
  }
  FEDGAP_CHECK(X509_STORE_CTX_init(context.get(), store.get(),
                                   certificate.handle(), nullptr) == 1);
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_NO_CHECK_TIME);
  if (X509_verify_cert(context.get()) == 1) return absl::OkStatus();
  const int error = X509_STORE_CTX_get_error(context.get());
  ERR_clear_error();
  return absl::FailedPreconditionError(fmt::format(
      "the {} was not issued by the authority at hand ('{}'): {}; its issuer "
      "is '{}'. Both sides need the ca.pem and a certificate of the same "
      "`fedgap certs init`",
      Named(certificate), fmt::join(names, "', '"),
      X509_verify_cert_error_string(error), certificate.IssuerCommonName()));
}

Status CheckUsage(const Certificate& certificate, TlsEnd end) {
  const bool server = end == TlsEnd::kServer;
  const int purpose =
      server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT;
  if (X509_check_purpose(certificate.handle(), purpose, 0) == 1) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(fmt::format(
      "the {} may not be used by a {}; issue one with `fedgap certs issue "
      "--role {}`",
      Named(certificate), server ? "server" : "client",
      server ? "server" : "client"));
}

Status CheckHostName(const Certificate& certificate, std::string_view host) {
  const std::string text(host);
  if (X509_check_ip_asc(certificate.handle(), text.c_str(), 0) == 1 ||
      X509_check_host(certificate.handle(), text.data(), text.size(),
                      X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr) == 1) {
    return absl::OkStatus();
  }
  const AlternativeNames names = certificate.GetAlternativeNames();
  std::vector<std::string> known = names.dns;
  known.insert(known.end(), names.ip.begin(), names.ip.end());
  return absl::FailedPreconditionError(fmt::format(
      "the {} is for [{}], not for '{}'; use one of these names, or issue a "
      "certificate with --dns or --ip {}",
      Named(certificate), fmt::join(known, ", "), host, host));
}

}  // namespace fedgap
