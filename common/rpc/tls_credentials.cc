#include "common/rpc/tls_credentials.h"

#include <fmt/format.h>
#include <grpc/grpc_security_constants.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/check.h"
#include "common/crypto/certificate.h"

namespace fedgap {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;

constexpr unsigned kRefreshSeconds = 60;

void RequireTls13() {
  static std::once_flag once;
  std::call_once(once, [] {
    FEDGAP_CHECK(::setenv("GRPC_SSL_CIPHER_SUITES",
                          "ECDHE-RSA-AES256-GCM-SHA384", 1) == 0);
  });
}

// The key and the certificate are read from one file, so a reload never mixes
// two generations.
std::shared_ptr<FileWatcherCertificateProvider> WatchFiles(
    const TlsFiles& files) {
  return std::make_shared<FileWatcherCertificateProvider>(
      files.identity.string(), files.identity.string(),
      files.authority.string(), kRefreshSeconds);
}

void WatchBoth(grpc::experimental::TlsCredentialsOptions& options) {
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
}

Status CheckScope(const ServerAddress& address, InsecureScope scope) {
  if (scope == InsecureScope::kAnywhere || address.IsLoopback()) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(fmt::format(
      "without TLS, anybody between here and '{}' could read and change models "
      "and pose as a client; give certificates (`fedgap certs init`), use "
      "127.0.0.1, or add --insecure-anywhere where the network is trusted",
      address.host));
}

}  // namespace

StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTlsCredentials(
    const TlsFiles& files, Clock::WallTime now) {
  FEDGAP_RETURN_IF_ERROR(LoadTlsFiles(files, TlsEnd::kServer, now).status());
  RequireTls13();
  grpc::experimental::TlsServerCredentialsOptions options(WatchFiles(files));
  WatchBoth(options);
  options.set_cert_request_type(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return grpc::experimental::TlsServerCredentials(options);
}

StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelTlsCredentials(
    const TlsFiles& files, Clock::WallTime now) {
  FEDGAP_RETURN_IF_ERROR(LoadTlsFiles(files, TlsEnd::kClient, now).status());
  RequireTls13();
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(WatchFiles(files));
  WatchBoth(options);
  options.set_verify_server_certs(true);
  options.set_check_call_host(true);
  options.set_certificate_verifier(
      std::make_shared<grpc::experimental::HostNameCertificateVerifier>());
  return grpc::experimental::TlsCredentials(options);
}

StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerInsecureCredentials(
    const ServerAddress& address, InsecureScope scope) {
  FEDGAP_RETURN_IF_ERROR(CheckScope(address, scope));
  return grpc::InsecureServerCredentials();
}

StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelInsecureCredentials(
    const ServerAddress& address, InsecureScope scope) {
  FEDGAP_RETURN_IF_ERROR(CheckScope(address, scope));
  return grpc::InsecureChannelCredentials();
}

StatusOr<Identity> PeerIdentity(const grpc::AuthContext& context) {
  if (!context.IsPeerAuthenticated()) {
    return absl::UnauthenticatedError(
        "the peer showed no certificate; connect with TLS and a bundle of "
        "`fedgap certs issue`");
  }
  const std::vector<grpc::string_ref> uris =
      context.FindPropertyValues(GRPC_PEER_URI_PROPERTY_NAME);
  if (uris.size() != 1) {
    return absl::PermissionDeniedError(fmt::format(
        "the peer's certificate has {} URI names; one of `fedgap certs issue` "
        "has exactly one, its identity",
        uris.size()));
  }
  StatusOr<Identity> identity =
      ParseIdentityUri(std::string_view(uris[0].data(), uris[0].size()));
  if (identity.ok()) return identity;
  return absl::PermissionDeniedError("the peer's certificate is " +
                                     MessageOf(identity.status()));
}

StatusOr<std::string> PeerCertificatePem(const grpc::AuthContext& context) {
  const std::vector<grpc::string_ref> pem =
      context.FindPropertyValues(GRPC_X509_PEM_CERT_PROPERTY_NAME);
  if (pem.size() != 1) {
    return absl::UnauthenticatedError("the peer showed no certificate");
  }
  return std::string(pem[0].data(), pem[0].size());
}

}  // namespace fedgap
