#include "client/rpc/grpc_connection.h"

#include <fmt/format.h>
#include <grpcpp/create_channel.h>

#include <utility>

#include "common/rpc/channel_options.h"
#include "common/rpc/failed_connection.h"
#include "common/rpc/status_conversion.h"
#include "common/rpc/tls_credentials.h"

namespace fedgap {
namespace {

StatusOr<std::shared_ptr<grpc::ChannelCredentials>> CredentialsFor(
    const GrpcFederationApi::Options& options, Clock::WallTime now) {
  if (options.tls.has_value()) {
    return ChannelTlsCredentials(*options.tls, now);
  }
  FEDGAP_RETURN_IF_ERROR(
      ValidateName(options.insecure_name.value, "the client's name"));
  return ChannelInsecureCredentials(
      options.server, options.insecure_anywhere ? InsecureScope::kAnywhere
                                                : InsecureScope::kLoopback);
}

}  // namespace

StatusOr<std::unique_ptr<GrpcConnection>> GrpcConnection::Create(
    const Options& options, const Clock& clock) {
  FEDGAP_ASSIGN_OR_RETURN(auto credentials,
                          CredentialsFor(options, clock.WallNow()));
  return std::unique_ptr<GrpcConnection>(
      new GrpcConnection(options, clock, std::move(credentials)));
}

GrpcConnection::GrpcConnection(
    const Options& options, const Clock& clock,
    std::shared_ptr<grpc::ChannelCredentials> credentials)
    : options_(options),
      clock_(clock),
      credentials_(std::move(credentials)),
      channel_(NewChannel()),
      stub_(v1::Federation::NewStub(channel_)) {}

std::shared_ptr<grpc::Channel> GrpcConnection::NewChannel() const {
  KeepaliveOptions keepalive;
  keepalive.interval = options_.keepalive;
  return grpc::CreateCustomChannel(
      options_.server.ToString(), credentials_,
      ClientChannelArguments(options_.server, keepalive));
}

std::shared_ptr<grpc::Channel> GrpcConnection::channel() const {
  MutexLock lock(mutex_);
  return channel_;
}

std::shared_ptr<v1::Federation::Stub> GrpcConnection::stub() const {
  MutexLock lock(mutex_);
  return stub_;
}

void GrpcConnection::StartAfresh() {
  MutexLock lock(mutex_);
  const grpc_connectivity_state state = channel_->GetState(false);
  if (state == GRPC_CHANNEL_IDLE || state == GRPC_CHANNEL_READY) return;
  channel_ = NewChannel();
  stub_ = v1::Federation::NewStub(channel_);
}

GrpcConnection::Call::Call(GrpcConnection& connection,
                           std::chrono::milliseconds timeout, bool cancellable)
    : connection_(connection) {
  context_.set_deadline(std::chrono::system_clock::now() + timeout);
  if (!connection.options_.tls.has_value()) {
    context_.AddMetadata(kClientNameKey,
                         connection.options_.insecure_name.value);
  }
  context_.AddMetadata(kInstanceKey, std::to_string(connection.instance()));
  if (cancellable) connection_.Add(&context_);
}

GrpcConnection::Call::~Call() { connection_.Remove(&context_); }

void GrpcConnection::Add(grpc::ClientContext* context) {
  MutexLock lock(mutex_);
  open_.insert(context);
  if (cancelled_) context->TryCancel();
}

void GrpcConnection::Remove(grpc::ClientContext* context) {
  MutexLock lock(mutex_);
  open_.erase(context);
}

void GrpcConnection::Cancel() {
  MutexLock lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* context : open_) context->TryCancel();
}

Status GrpcConnection::ExplainFirst(const grpc::Status& grpc_status) const {
  Status status = Explain(grpc_status);
  if (!absl::IsUnavailable(status) ||
      IsNobodyThere(grpc_status.error_message())) {
    return status;
  }
  Status mistake =
      FindMistake({options_.server, options_.tls}, clock_.WallNow());
  return mistake.ok() ? status : mistake;
}

Status GrpcConnection::Explain(const grpc::Status& grpc_status) const {
  Status status = FromGrpcStatus(grpc_status);
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return ExplainUnavailable(status);
    case absl::StatusCode::kUnimplemented:
      return Annotate(
          status, fmt::format("the server at {} does not know this call; is it "
                              "fedgap, and the same release?",
                              options_.server.ToString()));
    case absl::StatusCode::kDeadlineExceeded:
      return Annotate(status, fmt::format("the server at {} did not answer",
                                          options_.server.ToString()));
    default:
      return status;
  }
}

Status GrpcConnection::ExplainUnavailable(const Status& status) const {
  const std::string server = options_.server.ToString();
  if (options_.tls.has_value()) {
    const Status own =
        LoadTlsFiles(*options_.tls, TlsEnd::kClient, clock_.WallNow()).status();
    if (!own.ok()) {
      return absl::UnauthenticatedError(
          fmt::format("the server at {} does not take this client: {}", server,
                      MessageOf(own)));
    }
  }
  return absl::UnavailableError(fmt::format("no connection to {}: {}", server,
                                            ShortCause(MessageOf(status))));
}

}  // namespace fedgap
