#include "enrolment/enrol.h"

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <vector>

#include "common/base/file_io.h"
#include "common/base/make_directories.h"
#include "common/base/without_sigpipe.h"
#include "common/crypto/certificate_checks.h"
#include "common/crypto/certificate_request.h"
#include "common/crypto/server_certificate.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/failed_connection.h"
#include "enrolment/authority_directory.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::chrono::seconds kTimeout{10};
constexpr int kAttempts = 3;

// The authority that the token names, if the server may speak for it.
StatusOr<Certificate> FindAuthority(const EnrolOptions& options,
                                    Clock::WallTime now) {
  const std::string where = options.server.ToString();
  StatusOr<ShownByServer> shown =
      LookAtServer(options.server.host, options.server.port, kTimeout);
  if (!shown.ok()) {
    return absl::UnavailableError(fmt::format(
        "no enrolment server at {} (`fedgap certs serve` is one): {}", where,
        ShortCause(MessageOf(shown.status()))));
  }
  if (shown->asks_for_certificate) {
    return absl::FailedPreconditionError(fmt::format(
        "{} asks for a client certificate: it is the training port of a "
        "fedgap-server; enrolment has a port of its own, usually 7444",
        where));
  }
  const Certificate& server = shown->chain.front();
  for (Certificate& certificate : shown->chain) {
    if (certificate.Fingerprint() != options.token.authority) continue;
    const std::span<const Certificate> issuer(&certificate, 1);
    Status status = CheckIssuedBy(server, issuer);
    if (status.ok()) status = CheckValidity(server, now);
    if (status.ok()) status = CheckUsage(server, TlsEnd::kServer);
    if (status.ok()) {
      status = CheckHostName(server, options.server.host);
    }
    if (status.ok()) return std::move(certificate);
    return absl::UnauthenticatedError(
        fmt::format("the enrolment server at {} is not the one to trust: {}",
                    where, MessageOf(status)));
  }
  return absl::UnauthenticatedError(fmt::format(
      "the server at {} does not show the authority of this token: it is "
      "another federation's, no enrolment server, or somebody is between",
      where));
}

// The directory of a bundle to be, and in it the authority to ask by. What is
// not kept goes away again, the directories that were made for it too.
class UnfinishedBundle {
 public:
  explicit UnfinishedBundle(const fs::path& bundle)
      : authority_(bundle / ".asked-ca.pem") {
    std::error_code ignored;
    for (fs::path path = bundle; !path.empty() && !fs::exists(path, ignored);
         path = path.parent_path()) {
      missing_.push_back(path);
    }
  }
  ~UnfinishedBundle() {
    std::error_code ignored;
    fs::remove(authority_, ignored);
    if (is_kept_) return;
    // Innermost first; one with something in it stays.
    for (const fs::path& path : missing_) fs::remove(path, ignored);
  }
  UnfinishedBundle(const UnfinishedBundle&) = delete;
  UnfinishedBundle& operator=(const UnfinishedBundle&) = delete;

  Status Begin(const Certificate& authority) const {
    FEDGAP_RETURN_IF_ERROR(MakeDirectories(authority_.parent_path()));
    return WriteFileAtomic(authority_, authority.ToPem());
  }
  void Keep() { is_kept_ = true; }
  const fs::path& authority() const { return authority_; }

 private:
  const fs::path authority_;
  std::vector<fs::path> missing_;
  bool is_kept_ = false;
};

StatusOr<Certificate> Ask(const EnrolOptions& options,
                          const fs::path& authority,
                          const CertificateRequest& request) {
  const WithoutSigpipe without_sigpipe;
  httplib::SSLClient client(options.server.host, options.server.port);
  client.set_ca_cert_path(authority.string());
  client.enable_server_certificate_verification(true);
  client.set_connection_timeout(kTimeout);
  client.set_read_timeout(kTimeout);
  const std::string body = Json{
      {"token", options.token.secret},
      {"request",
       request.ToPem()}}.dump();
  // The answer may be lost after the server has counted the token: the same key
  // gets its certificate again.
  const auto ask = [&] {
    return client.Post("/v1/enrol", body, "application/json");
  };
  httplib::Result answer = ask();
  for (int i = 1; i < kAttempts && !answer; ++i) answer = ask();
  if (!answer) {
    return absl::UnavailableError(fmt::format(
        "the enrolment server at {} did not answer: {}",
        options.server.ToString(), httplib::to_string(answer.error())));
  }
  if (answer->status == 403) {
    std::string reason = answer->body.substr(0, 1000);
    std::erase_if(reason,
                  [](char c) { return static_cast<unsigned char>(c) < 32; });
    return absl::PermissionDeniedError(reason);
  }
  const Json json =
      Json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  if (answer->status != 200 || !json.is_object() ||
      !json.contains("certificate") || !json["certificate"].is_string()) {
    return absl::InternalError(fmt::format(
        "the enrolment server answered with status {}", answer->status));
  }
  return Certificate::FromPem(json["certificate"].get<std::string>());
}

}  // namespace

StatusOr<Identity> Enrol(const EnrolOptions& options, Clock::WallTime now) {
  FEDGAP_ASSIGN_OR_RETURN(const Certificate authority,
                          FindAuthority(options, now));
  UnfinishedBundle bundle(options.bundle);
  FEDGAP_RETURN_IF_ERROR(bundle.Begin(authority));
  PrivateKey key = PrivateKey::Generate(options.algorithm);
  const CertificateRequest request = CertificateRequest::Make(key);
  FEDGAP_ASSIGN_OR_RETURN(Certificate certificate,
                          Ask(options, bundle.authority(), request));
  FEDGAP_RETURN_IF_ERROR(CheckPair(certificate, key));
  FEDGAP_RETURN_IF_ERROR(CheckIssuedBy(certificate, {&authority, 1}));
  FEDGAP_ASSIGN_OR_RETURN(Identity identity, certificate.GetIdentity());
  FEDGAP_RETURN_IF_ERROR(WriteTlsFiles(
      TlsFilesIn(options.bundle),
      Credentials{std::move(certificate), std::move(key)}, authority));
  bundle.Keep();
  return identity;
}

}  // namespace fedgap
