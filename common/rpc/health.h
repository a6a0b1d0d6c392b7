// The standard health service of a gRPC server (grpc.health.v1), as container
// runtimes and people who operate it ask it.
#ifndef FEDGAP_COMMON_RPC_HEALTH_H_
#define FEDGAP_COMMON_RPC_HEALTH_H_

#include <chrono>
#include <optional>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/server_address.h"

namespace fedgap {

struct HealthQuery {
  // An address to listen on is one to ask: any interface means this machine.
  ServerAddress server;
  // A member's certificate, of any role; none: unencrypted, which is refused
  // beyond this machine unless `insecure_anywhere`.
  std::optional<TlsFiles> tls = std::nullopt;
  bool insecure_anywhere = false;
  std::chrono::milliseconds timeout = std::chrono::seconds(3);
};

// OK: the server answers and serves. UNAVAILABLE: it doesn't answer in time, or
// says that it is not serving (it is shutting down); the errors of the
// credentials and of FindMistake.
Status CheckHealth(const HealthQuery& query, const Clock& clock);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_HEALTH_H_
