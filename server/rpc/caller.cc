#include "server/rpc/caller.h"

#include <fmt/format.h>

#include <optional>

#include "common/base/parse_number.h"
#include "common/crypto/identity.h"
#include "common/rpc/channel_options.h"
#include "common/rpc/status_conversion.h"
#include "common/rpc/tls_credentials.h"

namespace fedgap {
namespace {

std::optional<std::string> FromMetadata(const grpc::CallbackServerContext& call,
                                        const char* key) {
  const auto& metadata = call.client_metadata();
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  return std::string(found->second.data(), found->second.size());
}

StatusOr<std::uint64_t> InstanceOf(const grpc::CallbackServerContext& call) {
  const auto text = FromMetadata(call, kInstanceKey);
  if (!text.has_value()) return 0;
  const auto instance = ParseNumber<std::uint64_t>(*text);
  if (instance.has_value()) return *instance;
  return absl::InvalidArgumentError(
      fmt::format("the metadata '{}' is no number", kInstanceKey));
}

bool ComesFromThisMachine(const std::string& peer) {
  for (const char* prefix : {"ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D",
                             "ipv6:%5b::1%5d", "unix:"}) {
    if (peer.starts_with(prefix)) return true;
  }
  return false;
}

}  // namespace

CallerPolicy CallerPolicy::Tls(
    std::string federation, std::shared_ptr<const RevocationFile> revocations) {
  return CallerPolicy(true, std::move(federation), std::move(revocations));
}

StatusOr<Caller> CallerPolicy::Certified(
    const grpc::CallbackServerContext& call, Role role) const {
  FEDGAP_ASSIGN_OR_RETURN(const Identity identity,
                          PeerIdentity(*call.auth_context()));
  if (identity.federation != federation_) {
    return absl::PermissionDeniedError(
        fmt::format("this certificate is of federation {}, the server's is {}",
                    identity.federation, federation_));
  }
  if (identity.role != role) {
    return absl::PermissionDeniedError(fmt::format(
        "this call is for role {}; the certificate of {} has role {}",
        RoleName(role), identity.name, RoleName(identity.role)));
  }
  Caller caller{ClientName{identity.name}};
  FEDGAP_ASSIGN_OR_RETURN(const std::string pem,
                          PeerCertificatePem(*call.auth_context()));
  FEDGAP_ASSIGN_OR_RETURN(caller.serial, serials_->SerialOf(pem));
  FEDGAP_RETURN_IF_ERROR(CheckSerial(caller));
  return caller;
}

Status CallerPolicy::CheckSerial(const Caller& caller) const {
  if (revocations_ == nullptr) return absl::OkStatus();
  return revocations_->Check(caller.serial,
                             "the certificate of " + caller.client.value);
}

Status CallerPolicy::Check(const Caller& caller) const {
  if (!allowed_.empty() && !allowed_.contains(caller.client.value)) {
    return absl::PermissionDeniedError(fmt::format(
        "{} is not among the server's allowed_clients; ask the federation's "
        "operator",
        caller.client.value));
  }
  return CheckSerial(caller);
}

StatusOr<Caller> CallerPolicy::Client(
    const grpc::CallbackServerContext& call) const {
  FEDGAP_ASSIGN_OR_RETURN(const std::uint64_t instance, InstanceOf(call));
  const std::optional<std::string> named = FromMetadata(call, kClientNameKey);
  if (!tls_) {
    if (!named.has_value()) {
      return absl::UnauthenticatedError(
          fmt::format("without TLS a client names itself in the metadata '{}'",
                      kClientNameKey));
    }
    FEDGAP_RETURN_IF_ERROR(ValidateName(*named, "the client's name"));
    Caller caller{.client = {*named}, .instance = instance};
    FEDGAP_RETURN_IF_ERROR(Check(caller));
    return caller;
  }
  FEDGAP_ASSIGN_OR_RETURN(Caller caller, Certified(call, Role::kClient));
  caller.instance = instance;
  if (named.has_value() && *named != caller.client.value) {
    return absl::PermissionDeniedError(
        fmt::format("the certificate is of client {}, the call names {}",
                    caller.client.value, SanitizeMessage(*named)));
  }
  FEDGAP_RETURN_IF_ERROR(Check(caller));
  return caller;
}

StatusOr<std::string> CallerPolicy::Operator(
    const grpc::CallbackServerContext& call) const {
  if (tls_) {
    FEDGAP_ASSIGN_OR_RETURN(const Caller caller, Certified(call, Role::kAdmin));
    return "operator " + caller.client.value;
  }
  if (ComesFromThisMachine(call.peer())) return std::string("an operator");
  return absl::PermissionDeniedError(
      "without TLS the admin calls are for programs on the server's machine");
}

}  // namespace fedgap
