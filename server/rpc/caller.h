// Who makes a call, and whether they may.
#ifndef FEDGAP_SERVER_RPC_CALLER_H_
#define FEDGAP_SERVER_RPC_CALLER_H_

#include <grpcpp/server_context.h>

#include <string>

#include "common/base/status.h"
#include "common/federation/ids.h"

namespace fedgap {

// Immutable, thread-safe.
class CallerPolicy {
 public:
  // Over TLS: the caller is whom its certificate names, of this federation.
  static CallerPolicy Tls(std::string federation);
  // Without TLS the caller is whom it says it is.
  static CallerPolicy Insecure() { return CallerPolicy(false, {}); }

  // The client that calls. UNAUTHENTICATED: no certificate, or no name without
  // TLS; PERMISSION_DENIED: another federation or role, or metadata with a
  // name that is not the certificate's; INVALID_ARGUMENT: not a name.
  StatusOr<ClientName> Client(const grpc::CallbackServerContext& call) const;

  // OK for role `admin`; without TLS, for callers on this machine.
  Status CheckAdmin(const grpc::CallbackServerContext& call) const;

 private:
  CallerPolicy(bool tls, std::string federation)
      : tls_(tls), federation_(std::move(federation)) {}

  bool tls_;
  std::string federation_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_CALLER_H_
