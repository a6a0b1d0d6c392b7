// Mutual TLS 1.3: each side proves by a certificate of the federation's
// authority who it is. docs/SECURITY.md has the whole picture.
//
// gRPC 1.51 offers no minimum TLS version. Making the first credentials here
// sets GRPC_SSL_CIPHER_SUITES for the process to one TLS 1.2 suite that needs
// an RSA certificate; ours are ECDSA and Ed25519 only (PrivateKey refuses
// others), so a TLS 1.2 handshake has no suite to agree on, while TLS 1.3
// suites are not touched by it. gRPC reads the variable once, at its first TLS
// use: make no other TLS credentials before, and call these before starting
// threads that read the environment.
#ifndef FEDGAP_COMMON_RPC_TLS_CREDENTIALS_H_
#define FEDGAP_COMMON_RPC_TLS_CREDENTIALS_H_

#include <grpcpp/security/auth_context.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/identity.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/server_address.h"

namespace fedgap {

// Loads and checks `files` (LoadTlsFiles; its errors), so that what gRPC would
// refuse without a word is refused here with one. Afterwards gRPC watches the
// files and takes renewed ones within a minute; the connections in being keep
// theirs. A client without a certificate of this authority for a client's use
// does not get past the handshake.
StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerTlsCredentials(
    const TlsFiles& files, Clock::WallTime now);

// The same for a client. The server must have a certificate of this authority,
// for a server's use, with the dialled host among its names.
StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelTlsCredentials(
    const TlsFiles& files, Clock::WallTime now);

// Where traffic may go unencrypted and unauthenticated.
enum class InsecureScope {
  kLoopback,  // this machine only
  kAnywhere,  // the operator insists: the network is trusted
};

// FAILED_PRECONDITION if `address` (to listen on, or to call) lies outside the
// scope.
StatusOr<std::shared_ptr<grpc::ServerCredentials>> ServerInsecureCredentials(
    const ServerAddress& address, InsecureScope scope);
StatusOr<std::shared_ptr<grpc::ChannelCredentials>> ChannelInsecureCredentials(
    const ServerAddress& address, InsecureScope scope);

// Who is at the other end of an RPC, by the certificate that TLS verified.
// UNAUTHENTICATED if there is none (an insecure connection); PERMISSION_DENIED
// if it carries no fedgap identity. The federation in it is the authority's
// word; a server with several authorities compares it with its own.
StatusOr<Identity> PeerIdentity(const grpc::AuthContext& context);

// That certificate, as PEM. UNAUTHENTICATED if there is none.
StatusOr<std::string> PeerCertificatePem(const grpc::AuthContext& context);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_RPC_TLS_CREDENTIALS_H_
