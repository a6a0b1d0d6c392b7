// The server, over gRPC.
#ifndef FEDGAP_CLIENT_RPC_GRPC_FEDERATION_API_H_
#define FEDGAP_CLIENT_RPC_GRPC_FEDERATION_API_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "client/core/federation_api.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/crypto/tls_files.h"
#include "common/federation/ids.h"
#include "common/rpc/server_address.h"

namespace fedgap {

// One connection that is made when it is needed and made again when it is
// lost. Besides the codes of FederationApi: DEADLINE_EXCEEDED, when the server
// does not answer in time; UNIMPLEMENTED, when it does not know a call.
// UNAUTHENTICATED is also given where the connection fails for a mistake that
// trying again does not mend: this client's certificate or the server's, TLS on
// one side only. TLS and gRPC do not say which, so both ends are looked at. Its
// streams must not outlive it.
class GrpcFederationApi final : public FederationApi {
 public:
  struct Options {
    ServerAddress server;
    // Who this client is. Without: no encryption, the name below, and only to
    // a loopback address unless `insecure_anywhere`.
    std::optional<TlsFiles> tls;
    ClientName insecure_name;
    bool insecure_anywhere = false;
    // A ping after so long without data; shorter behind strict firewalls.
    std::chrono::milliseconds keepalive = std::chrono::seconds(25);
    // Deadlines: of Join and Decline, of Leave, of one model or update (waiting
    // for a slot included), and of a stream of tasks, which the server ends
    // after 30 min.
    std::chrono::milliseconds call_timeout = std::chrono::seconds(30);
    std::chrono::milliseconds leave_timeout = std::chrono::seconds(3);
    std::chrono::milliseconds transfer_timeout = std::chrono::minutes(30);
    std::chrono::milliseconds stream_timeout = std::chrono::minutes(35);
  };

  // Does not connect yet. The errors of ChannelTlsCredentials (this client's
  // files) and ChannelInsecureCredentials. `clock` must outlive it.
  static StatusOr<std::unique_ptr<GrpcFederationApi>> Create(
      Options options, const Clock& clock);
  ~GrpcFederationApi() override;

  StatusOr<JoinReply> Join(const JoinRequest& request) override;
  StatusOr<std::unique_ptr<TaskSource>> OpenTasks(const TaskId& last) override;
  // FAILED_PRECONDITION before Join: the layout is not known yet.
  StatusOr<Parameters> FetchModel(const ModelId& id,
                                  Parameters memory) override;
  StatusOr<Verdict> SubmitUpdate(const Update& update) override;
  Status Decline(const TaskId& task, const std::string& reason) override;
  Status Leave(const std::string& reason) override;
  void Cancel() override;

 private:
  class Impl;
  explicit GrpcFederationApi(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_RPC_GRPC_FEDERATION_API_H_
