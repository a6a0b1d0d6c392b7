// gRPC's own log lines, which name files of gRPC and are not for operators.
#ifndef FEDGAP_COMMON_RPC_GRPC_LOG_H_
#define FEDGAP_COMMON_RPC_GRPC_LOG_H_

#include <functional>
#include <string>

namespace fedgap {

// Nothing that gRPC logs is written from now on. With a function, a server's,
// that one gets at most once a second that a peer failed the TLS handshake and
// why, in a line for people: gRPC tells it in no other way, and without the
// peer's address. It is called on gRPC's threads until the next QuietGrpc has
// returned. With the environment variable GRPC_VERBOSITY set, gRPC logs as it
// asks. For programs: it is a setting of the process.
//
// Neither does Abseil, as Debian builds it, look for cycles any more in the
// order of the locks that gRPC takes: it would only report them.
void QuietGrpc(
    std::function<void(const std::string&)> on_tls_failure = nullptr);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_GRPC_LOG_H_
