// A run, reachable over gRPC.
#ifndef FEDGAP_SERVER_RPC_GRPC_SERVER_H_
#define FEDGAP_SERVER_RPC_GRPC_SERVER_H_

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/server_address.h"
#include "server/core/coordinator.h"
#include "server/core/staging_area.h"
#include "server/rpc/call_limits.h"
#include "server/rpc/connection_table.h"

namespace fedgap {

// Serves fedgap.v1.Federation, fedgap.v1.Admin, grpc.health.v1.Health and
// server reflection on one port until Shutdown. Thread-safe.
class GrpcServer {
 public:
  struct Options {
    ServerAddress listen;  // port 0: a free one
    // Without: no encryption, and clients are who they say they are; only on a
    // loopback address, unless `insecure_anywhere`.
    std::optional<TlsFiles> tls;
    bool insecure_anywhere = false;
    // The list of revoked certificates, looked at with every tick; NOT_FOUND if
    // it does not exist. Empty: crl.pem beside the identity, which need not
    // exist yet.
    std::filesystem::path revocations = {};
    // Only these may take part; none: everybody with a certificate.
    std::set<std::string> allowed_clients = {};
    // What one client may ask.
    CallLimits::Options limits = {};
    // What connections may hold.
    ConnectionTable::Options connections = {};
    // Told who is refused, why a new list of revocations or a new certificate
    // cannot be used, that the server's certificate ends, and why updates
    // cannot be stored; from any thread.
    std::function<void(const std::string&)> on_warning = {};
    // Told what an operator may like to know; from any thread.
    std::function<void(const std::string&)> on_notice = {};
    // Told of every call that is refused at its begin, with what its caller is
    // told; from any thread, and as often as callers like: it must be cheap.
    std::function<void(const Status&)> on_refusal = {};
    StagingArea::Options staging;
    // Threads for disk writes and validation.
    int workers = 4;
    // Nothing else sent to a client for so long: a heartbeat keeps proxies and
    // address translation from forgetting the connection.
    Clock::Duration heartbeat = std::chrono::seconds(20);
    // A stream of tasks ends after so long; the client opens it again, which is
    // no departure.
    Clock::Duration max_stream_age = std::chrono::minutes(30);
    // A client that holds an upload slot and sends nothing for so long loses
    // the call; one that takes no byte of a model does after five times that.
    Clock::Duration stall_timeout = std::chrono::seconds(60);
    // How often ages are looked at, in real time.
    std::chrono::milliseconds tick = std::chrono::seconds(1);
  };
  struct Deps {
    Coordinator& coordinator;
    const Clock& clock;
  };

  // Whether Create would get its certificate and its port at this moment; its
  // errors. For asking before anything is made that would have to be taken
  // back.
  static Status Check(const Options& options, Clock::WallTime now);

  // Listens. All of `deps` must outlive the server. UNAVAILABLE: the port is
  // in use or cannot be bound, naming it; errors of ServerTlsCredentials,
  // ServerInsecureCredentials, RevocationFile::Open and StagingArea::Create.
  static StatusOr<std::unique_ptr<GrpcServer>> Create(const Options& options,
                                                      Deps deps);
  // Shuts down at once.
  ~GrpcServer();

  int port() const;
  // Open ones, as of the last look.
  std::size_t connections() const;
  // What is staged at the moment.
  StagingArea::Usage staging() const;

  // Takes no new calls, ends the streams (UNAVAILABLE: clients come back), lets
  // the other calls go on for `grace`, and returns when all have ended. Only
  // the first call acts.
  void Shutdown(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_GRPC_SERVER_H_
