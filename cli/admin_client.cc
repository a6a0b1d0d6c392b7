#include "cli/admin_client.h"

#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>

#include <chrono>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/config/program_settings.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/channel_options.h"
#include "common/rpc/failed_connection.h"
#include "common/rpc/grpc_log.h"
#include "common/rpc/server_address.h"
#include "common/rpc/status_conversion.h"
#include "common/rpc/tls_credentials.h"
#include "common/wire/join_wire.h"
#include "common/wire/run_status_wire.h"
#include "fedgap/v1/admin.grpc.pb.h"

namespace fedgap {
namespace {

constexpr std::chrono::seconds kTimeout{10};

StatusOr<ConnectionEnds> EndsOf(const AdminClient::Options& options) {
  ConnectionEnds connection;
  FEDGAP_ASSIGN_OR_RETURN(connection.server,
                          ParseServerAddress(options.server));
  FEDGAP_RETURN_IF_ERROR(
      CheckAccess({.certs = options.certs,
                   .insecure = options.insecure,
                   .insecure_anywhere = options.insecure_anywhere}));
  if (options.insecure || options.insecure_anywhere) return connection;
  if (options.certs.empty()) {
    return absl::InvalidArgumentError(
        "no certificate: give --certs DIR with a bundle of role admin "
        "(fedgap certs issue CA --name ops --role admin --out bundles), or "
        "--insecure for a server on this machine that runs without TLS");
  }
  connection.tls = TlsFilesIn(options.certs);
  return connection;
}

}  // namespace

class AdminClient::Impl {
 public:
  Impl(ConnectionEnds ends,
       const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : ends_(std::move(ends)),
        stub_(v1::Admin::NewStub(
            grpc::CreateCustomChannel(ends_.server.ToString(), credentials,
                                      ClientChannelArguments(ends_.server)))) {}

  // A call that answers with the status.
  template <typename Request, typename Method>
  StatusOr<RunStatus> Ask(Method method, const Request& request) {
    v1::RunStatus reply;
    FEDGAP_RETURN_IF_ERROR(Call(method, request, reply));
    return FromProto(reply);
  }

  template <typename Request, typename Reply, typename Method>
  Status Call(Method method, const Request& request, Reply& reply) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    return Explain((stub_.get()->*method)(&context, request, &reply));
  }

  Status Watch(const std::function<void(const RunStatus&)>& take) {
    grpc::ClientContext context;
    const auto reader = stub_->Watch(&context, v1::WatchRequest());
    v1::RunStatus message;
    while (reader->Read(&message)) {
      FEDGAP_ASSIGN_OR_RETURN(const RunStatus status, FromProto(message));
      take(status);
    }
    return Explain(reader->Finish());
  }

 private:
  Status Explain(const grpc::Status& answer) const {
    return ExplainConnection(FromGrpcStatus(answer), ends_,
                             SystemClock().WallNow());
  }

  const ConnectionEnds ends_;
  const std::unique_ptr<v1::Admin::Stub> stub_;
};

StatusOr<std::unique_ptr<AdminClient>> AdminClient::Create(
    const Options& options) {
  QuietGrpc();
  FEDGAP_ASSIGN_OR_RETURN(auto connection, EndsOf(options));
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (connection.tls.has_value()) {
    const auto now = SystemClock().WallNow();
    FEDGAP_RETURN_IF_ERROR(
        LoadTlsFiles(*connection.tls, TlsEnd::kClient, now).status());
    FEDGAP_ASSIGN_OR_RETURN(credentials,
                            ChannelTlsCredentials(*connection.tls, now));
  } else {
    FEDGAP_ASSIGN_OR_RETURN(
        credentials, ChannelInsecureCredentials(
                         connection.server, options.insecure_anywhere
                                                ? InsecureScope::kAnywhere
                                                : InsecureScope::kLoopback));
  }
  return std::unique_ptr<AdminClient>(new AdminClient(
      std::make_unique<Impl>(std::move(connection), credentials)));
}

AdminClient::AdminClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminClient::~AdminClient() = default;

StatusOr<RunStatus> AdminClient::GetStatus() {
  return impl_->Ask(&v1::Admin::Stub::Status, v1::StatusRequest());
}

StatusOr<std::vector<ClientStatus>> AdminClient::GetClients() {
  std::vector<ClientStatus> clients;
  v1::ClientsRequest request;
  v1::ClientsReply reply;
  do {
    reply.Clear();
    FEDGAP_RETURN_IF_ERROR(
        impl_->Call(&v1::Admin::Stub::Clients, request, reply));
    for (const v1::ClientStatus& client : reply.clients()) {
      FEDGAP_ASSIGN_OR_RETURN(clients.emplace_back(), FromProto(client));
    }
    if (!clients.empty()) request.set_after(clients.back().client.value);
  } while (reply.more() && reply.clients_size() > 0);
  return clients;
}

StatusOr<RunStatus> AdminClient::Pause() {
  return impl_->Ask(&v1::Admin::Stub::Pause, v1::PauseRequest());
}

StatusOr<RunStatus> AdminClient::Resume() {
  return impl_->Ask(&v1::Admin::Stub::Resume, v1::ResumeRequest());
}

StatusOr<RunStatus> AdminClient::Stop(const std::string& reason) {
  v1::StopRequest request;
  request.set_reason(ReasonToProto(reason));
  return impl_->Ask(&v1::Admin::Stub::Stop, request);
}

StatusOr<RunStatus> AdminClient::Kick(const std::string& client,
                                      const std::string& reason) {
  v1::KickRequest request;
  request.set_client(client);
  request.set_reason(ReasonToProto(reason));
  return impl_->Ask(&v1::Admin::Stub::Kick, request);
}

Status AdminClient::Watch(const std::function<void(const RunStatus&)>& take) {
  return impl_->Watch(take);
}

}  // namespace fedgap
