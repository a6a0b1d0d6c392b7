// Who makes a call, and whether they may.
#ifndef FEDGAP_SERVER_RPC_CALLER_H_
#define FEDGAP_SERVER_RPC_CALLER_H_

#include <grpcpp/server_context.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "common/base/status.h"
#include "common/crypto/identity.h"
#include "common/federation/ids.h"
#include "server/rpc/call_limits.h"
#include "server/rpc/connection_table.h"
#include "server/rpc/revocation_file.h"
#include "server/rpc/serial_cache.h"

namespace fedgap {

// A client that calls.
struct Caller {
  ClientName client;
  std::string serial = {};         // of its certificate; empty without TLS
  std::uint64_t instance = 0;      // JoinRequest::instance, as the call says
  std::string peer = {};           // as gRPC writes addresses
  CallLimits::OpenCall call = {};  // that it makes: ends with the last copy
  // Of its connection; null until its call is let in.
  std::shared_ptr<ConnectionTable::Traffic> traffic = {};
};

// Thread-safe.
class CallerPolicy {
 public:
  // Over TLS: the caller is whom its certificate names, of this federation, and
  // its certificate is not revoked.
  static CallerPolicy Tls(std::string federation,
                          std::shared_ptr<const RevocationFile> revocations);
  // Without TLS the caller is whom it says it is.
  static CallerPolicy Insecure() { return CallerPolicy(false, {}, nullptr); }

  // From here on only these clients may call; none: every one may.
  void AllowOnly(std::set<std::string> clients) {
    allowed_ = std::move(clients);
  }

  // The client that calls. UNAUTHENTICATED: no certificate, or no name without
  // TLS; PERMISSION_DENIED: another federation or role, metadata with a name
  // that is not the certificate's, or Check's errors; INVALID_ARGUMENT: not a
  // name, or no number as its instance.
  StatusOr<Caller> Client(const grpc::CallbackServerContext& call) const;

  // Asked again while a call goes on. PERMISSION_DENIED: the certificate is
  // revoked, or the client is not among the allowed.
  Status Check(const Caller& caller) const;

  // The operator who calls, in words for a log: "operator NAME" for role
  // `admin`; without TLS "an operator", for callers on this machine.
  // UNAUTHENTICATED, PERMISSION_DENIED: as for Client.
  StatusOr<std::string> Operator(const grpc::CallbackServerContext& call) const;

 private:
  CallerPolicy(bool tls, std::string federation,
               std::shared_ptr<const RevocationFile> revocations)
      : tls_(tls),
        federation_(std::move(federation)),
        revocations_(std::move(revocations)) {}
  // The peer's identity and its certificate's serial number.
  StatusOr<Caller> Certified(const grpc::CallbackServerContext& call,
                             Role role) const;
  Status CheckSerial(const Caller& caller) const;

  bool tls_;
  std::string federation_;
  std::shared_ptr<const RevocationFile> revocations_;  // null without TLS
  std::shared_ptr<SerialCache> serials_ = std::make_shared<SerialCache>();
  std::set<std::string> allowed_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_CALLER_H_
