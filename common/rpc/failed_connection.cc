#include "common/rpc/failed_connection.h"

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
  std::string_view message;
  std::string_view words;
  bool is_nobody_there;
};

constexpr std::array kKnownCauses = {
    KnownCause{"Connection refused",
               "connection refused; is the server running, and is this its "
               "port?",
               true},
    KnownCause{"DNS resolution failed", "no such host name", true},
    KnownCause{"Name or service not known", "no such host name", true},
    KnownCause{"No address associated with hostname", "no such host name",
               true},
    KnownCause{"No route to host", "no route to this host", true},
    KnownCause{"Network is unreachable", "the network is unreachable", true},
    KnownCause{"imeout occurred", "no answer; is there a firewall?", true},
    KnownCause{"Connection timed out", "no answer; is there a firewall?", true},
    KnownCause{"timed out before receiving SETTINGS",
               "no answer; is there a firewall?", false},
    KnownCause{"Connection reset", "the connection was reset", false},
    KnownCause{"Socket closed", "the connection was closed", false},
    KnownCause{"handshake failed", "TLS failed", false},
    KnownCause{"Deadline Exceeded", "no answer in time", false},
};

const KnownCause* Find(const std::string& message) {
  for (const KnownCause& known : kKnownCauses) {
    if (message.find(known.message) != std::string::npos) return &known;
  }
  return nullptr;
}

Status Mistake(const ServerAddress& server, const std::string& what) {
  return absl::UnauthenticatedError(
      fmt::format("the server at {} {}", server.ToString(), what));
}

Status JudgeServer(const Certificate& server, const TlsMaterial& own,
                   const std::string& host, Clock::WallTime now) {
  FEDGAP_RETURN_IF_ERROR(CheckIssuedBy(server, own.authorities));
  FEDGAP_RETURN_IF_ERROR(CheckValidity(server, now));
  FEDGAP_RETURN_IF_ERROR(CheckUsage(server, TlsEnd::kServer));
  return CheckHostName(server, host);
}

}  // namespace

std::string ShortCause(const std::string& message) {
  const KnownCause* known = Find(message);
  return std::string(known != nullptr ? known->words : message);
}

bool IsNobodyThere(const std::string& message) {
  const KnownCause* known = Find(message);
  return known != nullptr && known->is_nobody_there;
}

Status FindMistake(const ConnectionEnds& ends, Clock::WallTime now) {
  const auto& [server, tls] = ends;
  const StatusOr<Certificate> shown =
      FetchServerCertificate(server.host, server.port, kLookTimeout);
  if (!tls.has_value()) {
    if (!shown.ok()) return absl::OkStatus();
    return Mistake(server,
                   "uses TLS and this client does not: give --certs DIR with "
                   "its bundle in place of --insecure");
  }
  if (absl::IsUnavailable(shown.status())) return absl::OkStatus();
  if (!shown.ok()) {
    return Mistake(server,
                   "does not use TLS and this client does: was it started with "
                   "--insecure, and is it a fedgap-server at all?");
  }
  FEDGAP_ASSIGN_OR_RETURN(const TlsMaterial own,
                          LoadTlsFiles(*tls, TlsEnd::kClient, now));
  Status found = JudgeServer(*shown, own, server.host, now);
  if (found.ok()) return found;
  return Mistake(server, "is not the one to trust: " + MessageOf(found));
}

Status ExplainConnection(const Status& status, const ConnectionEnds& ends,
                         Clock::WallTime now) {
  if (!absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status)) {
    return status;
  }
  const std::string message = MessageOf(status);
  if (!IsNobodyThere(message)) FEDGAP_RETURN_IF_ERROR(FindMistake(ends, now));
  return absl::UnavailableError(fmt::format(
      "no connection to {}: {}", ends.server.ToString(), ShortCause(message)));
}

}  // namespace fedgap
