// Why a server cannot be reached, in words that say what to do.
#ifndef FEDGAP_CLIENT_RPC_FAILED_CONNECTION_H_
#define FEDGAP_CLIENT_RPC_FAILED_CONNECTION_H_

#include <string>

#include "client/rpc/grpc_federation_api.h"
#include "common/base/clock.h"
#include "common/base/status.h"

namespace fedgap {

// What gRPC says about a connection, without what it says in every case:
// "connection refused" for "failed to connect to all addresses; last error:
// UNKNOWN: ipv4:10.0.0.1:1: Failed to connect to remote host: Connection
// refused". Other texts (a server's own words) as they are.
std::string ShortCause(const std::string& grpc_message);

// Whether a connection that gRPC reports as failed was refused, or met nobody:
// then there is no server to look at.
bool IsNobodyThere(const std::string& grpc_message);

// Looks at both ends of a connection that failed for a mistake that trying
// again does not mend: this client's certificate, the server's (another
// authority, its dates, its names), TLS on one side only. UNAUTHENTICATED says
// which and what to do; OK: nothing was found. Connects to the server, blocks
// for a few seconds at most.
Status FindMistake(const GrpcFederationApi::Options& options,
                   Clock::WallTime now);

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_RPC_FAILED_CONNECTION_H_
