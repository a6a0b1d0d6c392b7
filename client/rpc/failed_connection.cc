#include "client/rpc/failed_connection.h"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string_view>

#include "common/crypto/certificate_checks.h"
#include "common/crypto/server_certificate.h"

namespace fedgap {
namespace {

constexpr std::chrono::seconds kLookTimeout{3};

struct KnownCause {
  std::string_view grpc;
  std::string_view words;
  bool is_nobody_there;
};

constexpr std::array kKnownCauses = {
    KnownCause{"Connection refused",
               "connection refused; is the server running, and is this its "
               "port?",
               true},
    KnownCause{"DNS resolution failed", "no such host name", true},
    KnownCause{"No route to host", "no route to this host", true},
    KnownCause{"Network is unreachable", "the network is unreachable", true},
    KnownCause{"imeout occurred", "no answer; is there a firewall?", true},
    KnownCause{"Connection timed out", "no answer; is there a firewall?", true},
    KnownCause{"timed out before receiving SETTINGS",
               "no answer; is there a firewall?", false},
    KnownCause{"Connection reset", "the connection was reset", false},
    KnownCause{"Socket closed", "the connection was closed", false},
    KnownCause{"handshake failed", "TLS failed", false},
};

const KnownCause* Find(const std::string& message) {
  for (const KnownCause& known : kKnownCauses) {
    if (message.find(known.grpc) != std::string::npos) return &known;
  }
  return nullptr;
}

Status Mistake(const GrpcFederationApi::Options& options,
               const std::string& what) {
  return absl::UnauthenticatedError(
      fmt::format("the server at {} {}", options.server.ToString(), what));
}

Status JudgeServer(const Certificate& server, const TlsMaterial& own,
                   const std::string& host, Clock::WallTime now) {
  FEDGAP_RETURN_IF_ERROR(CheckIssuedBy(server, own.authorities));
  FEDGAP_RETURN_IF_ERROR(CheckValidity(server, now));
  FEDGAP_RETURN_IF_ERROR(CheckUsage(server, TlsEnd::kServer));
  return CheckHostName(server, host);
}

}  // namespace

std::string ShortCause(const std::string& grpc_message) {
  const KnownCause* known = Find(grpc_message);
  return std::string(known != nullptr ? known->words : grpc_message);
}

bool IsNobodyThere(const std::string& grpc_message) {
  const KnownCause* known = Find(grpc_message);
  return known != nullptr && known->is_nobody_there;
}

Status FindMistake(const GrpcFederationApi::Options& options,
                   Clock::WallTime now) {
  const StatusOr<Certificate> shown = FetchServerCertificate(
      options.server.host, options.server.port, kLookTimeout);
  if (!options.tls.has_value()) {
    if (!shown.ok()) return absl::OkStatus();
    return Mistake(options,
                   "uses TLS and this client does not: give --certs DIR with "
                   "its bundle in place of --insecure");
  }
  if (absl::IsUnavailable(shown.status())) return absl::OkStatus();
  if (!shown.ok()) {
    return Mistake(options,
                   "does not use TLS and this client does: was it started with "
                   "--insecure, and is it a fedgap-server at all?");
  }
  FEDGAP_ASSIGN_OR_RETURN(const TlsMaterial own,
                          LoadTlsFiles(*options.tls, TlsEnd::kClient, now));
  Status found = JudgeServer(*shown, own, options.server.host, now);
  if (found.ok()) return found;
  return Mistake(options, "is not the one to trust: " + MessageOf(found));
}

}  // namespace fedgap
