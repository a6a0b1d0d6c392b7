// gRPC's own log lines, which name files of gRPC and are not for operators.
#ifndef FEDGAP_COMMON_RPC_GRPC_LOG_H_
#define FEDGAP_COMMON_RPC_GRPC_LOG_H_

namespace fedgap {

// Nothing that gRPC logs is written from now on, but one kind of line: that a
// peer failed the TLS handshake and why, which gRPC tells in no other way; that
// only if `tls_failures`, for a server, and at most one a second. With the
// environment variable GRPC_VERBOSITY set, gRPC logs as it asks. For programs:
// it is a setting of the process.
//
// Neither does Abseil, as Debian builds it, look for cycles any more in the
// order of the locks that gRPC takes: it would only report them.
void QuietGrpc(bool tls_failures);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_GRPC_LOG_H_
