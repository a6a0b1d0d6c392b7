// Why a server cannot be reached, in words that say what to do.
#ifndef FEDGAP_COMMON_RPC_FAILED_CONNECTION_H_
#define FEDGAP_COMMON_RPC_FAILED_CONNECTION_H_

#include <optional>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/server_address.h"

namespace fedgap {

// The two ends of a connection; without `tls` it is not encrypted.
struct ConnectionEnds {
  ServerAddress server;
  std::optional<TlsFiles> tls;
};

// What gRPC or the system says about a connection, without what they say in
// every case: "connection refused" for "failed to connect to all addresses;
// last error: UNKNOWN: ipv4:10.0.0.1:1: Failed to connect to remote host:
// Connection refused". Other texts (a server's own words) as they are.
std::string ShortCause(const std::string& message);

// Whether a connection that is reported as failed was refused, or met nobody:
// then there is no server to look at.
bool IsNobodyThere(const std::string& message);

// Looks at both ends of a connection that failed for a mistake that trying
// again does not mend: this client's certificate, the server's (another
// authority, its dates, its names), TLS on one side only. UNAUTHENTICATED says
// which and what to do; OK: nothing was found. Connects to the server, blocks
// for a few seconds at most.
Status FindMistake(const ConnectionEnds& ends, Clock::WallTime now);

// What to say about a call that ended with UNAVAILABLE or DEADLINE_EXCEEDED: a
// mistake of either end where one is found, else UNAVAILABLE with the cause in
// short. Other codes as they are. Blocks as FindMistake does.
Status ExplainConnection(const Status& status, const ConnectionEnds& ends,
                         Clock::WallTime now);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_FAILED_CONNECTION_H_
