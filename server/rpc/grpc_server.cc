#include "server/rpc/grpc_server.h"

#include <fmt/format.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/server_builder.h>

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "common/base/mutex.h"
#include "common/rpc/channel_options.h"
#include "common/rpc/tls_credentials.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/connection_listener.h"
#include "server/rpc/federation_service.h"
#include "server/rpc/identity_watch.h"
#include "server/rpc/refusal_log.h"
#include "server/rpc/revocation_file.h"

namespace fedgap {
namespace {

struct Access {
  std::shared_ptr<grpc::ServerCredentials> credentials;
  CallerPolicy callers;
  std::shared_ptr<RevocationFile> revocations;  // null without TLS
  std::optional<IdentityWatch> identity = std::nullopt;
};

StatusOr<Access> AccessFor(const GrpcServer::Options& options,
                           Clock::WallTime now) {
  if (!options.tls.has_value()) {
    FEDGAP_ASSIGN_OR_RETURN(
        auto insecure, ServerInsecureCredentials(
                           options.listen, options.insecure_anywhere
                                               ? InsecureScope::kAnywhere
                                               : InsecureScope::kLoopback));
    return Access{std::move(insecure), CallerPolicy::Insecure(), nullptr};
  }
  FEDGAP_ASSIGN_OR_RETURN(const TlsMaterial material,
                          LoadTlsFiles(*options.tls, TlsEnd::kServer, now));
  FEDGAP_ASSIGN_OR_RETURN(auto tls, ServerTlsCredentials(*options.tls, now));
  // One that is named must be there: a slip of the pen must not let everybody
  // in.
  if (!options.revocations.empty() &&
      !std::filesystem::exists(options.revocations)) {
    return absl::NotFoundError(fmt::format(
        "there is no list of revoked certificates at {}: give the crl.pem that "
        "`fedgap certs revoke` wrote, or leave server.revocations out",
        options.revocations.string()));
  }
  FEDGAP_ASSIGN_OR_RETURN(
      std::shared_ptr<RevocationFile> revocations,
      RevocationFile::Open(
          {.list = options.revocations.empty()
                       ? RevocationsIn(options.tls->identity.parent_path())
                       : options.revocations,
           .authorities = options.tls->authority}));
  CallerPolicy callers =
      CallerPolicy::Tls(material.identity.federation, revocations);
  return Access{std::move(tls), std::move(callers), std::move(revocations),
                IdentityWatch(*options.tls, material.certificate)};
}

void SayNothing(const std::string& /*line*/) {}
void CountNothing(const Status& /*status*/) {}

// Each open call of the reflection service holds a thread; the calls of this
// project hold none, and are not counted.
constexpr int kMostThreads = 16;

// Both plug-ins are switched on for the process.
void EnableStandardServices() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

}  // namespace

class GrpcServer::Impl {
 public:
  Impl(const Options& options, Deps deps, Access access,
       std::unique_ptr<StagingArea> staging)
      : staging_(std::move(staging)),
        callers_(std::move(access.callers)),
        revocations_(std::move(access.revocations)),
        identity_(std::move(access.identity)),
        warn_(options.on_warning ? options.on_warning : SayNothing),
        notice_(options.on_notice ? options.on_notice : SayNothing),
        refusals_(deps.clock, warn_),
        limits_(options.limits, deps.clock),
        connections_(options.connections,
                     [this](const std::string& peer, const Status& why) {
                       refusals_.Note(peer, why);
                     }),
        environment_{deps.coordinator,
                     *staging_,
                     deps.clock,
                     live_calls_,
                     callers_,
                     limits_,
                     connections_,
                     refusals_,
                     options.on_refusal ? options.on_refusal : CountNothing,
                     std::make_shared<WorkerQueue>(options.workers),
                     options.heartbeat,
                     options.max_stream_age,
                     options.stall_timeout},
        federation_(environment_),
        admin_(environment_),
        tick_(options.tick) {
    callers_.AllowOnly(options.allowed_clients);
  }
  ~Impl() { Shutdown(std::chrono::milliseconds(0)); }

  Status Listen(const ServerAddress& address,
                std::shared_ptr<grpc::ServerCredentials> credentials) {
    FEDGAP_ASSIGN_OR_RETURN(listener_, ConnectionListener::Open(address));
    EnableStandardServices();
    grpc::ServerBuilder builder;
    SetServerArguments(builder);
    acceptor_ = builder.experimental().AddExternalConnectionAcceptor(
        grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
        std::move(credentials));
    builder.SetResourceQuota(
        grpc::ResourceQuota("server").SetMaxThreads(kMostThreads));
    builder.RegisterService(&federation_);
    builder.RegisterService(&admin_);
    server_ = builder.BuildAndStart();
    if (server_ == nullptr) {
      return absl::UnavailableError(fmt::format(
          "cannot serve on {}: gRPC gave no reason", address.ToString()));
    }
    listener_->Start(connections_, [this](int descriptor) {
      grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters
          connection;
      connection.fd = descriptor;
      acceptor_->HandleNewConnection(&connection);
    });
    ticker_ = std::thread([this] { TickUntilStopped(); });
    return absl::OkStatus();
  }

  void Shutdown(std::chrono::milliseconds grace) {
    {
      MutexLock lock(mutex_);
      if (stopping_) return;
      stopping_ = true;
    }
    stop_.NotifyAll();
    if (ticker_.joinable()) ticker_.join();
    live_calls_.Close(absl::UnavailableError(
        "the server is going away; come back when it is up again"));
    if (listener_ != nullptr) listener_->Stop();
    if (server_ != nullptr) {
      server_->Shutdown(std::chrono::system_clock::now() + grace);
    }
    environment_.workers->Stop();
  }

  int port() const { return listener_->port(); }
  std::size_t connections() const { return connections_.size(); }
  StagingArea::Usage staging() const { return staging_->usage(); }

 private:
  void TickUntilStopped() {
    auto next = std::chrono::steady_clock::now();
    while (true) {
      next += tick_;
      {
        MutexLock lock(mutex_);
        while (!stopping_ && stop_.WaitUntil(mutex_, next)) {
        }
        if (stopping_) return;
      }
      staging_->Expire();
      staging_->EndTasks([this](const ClientName& client, const TaskId& task) {
        return environment_.coordinator.IsTaskOver(client, task);
      });
      if (revocations_ != nullptr) {
        // Before the calls are asked whether they may go on.
        const Status status = revocations_->Refresh();
        if (!status.ok()) warn_("revocations: " + MessageOf(status));
      }
      if (identity_.has_value()) {
        const auto news = identity_->Look(environment_.clock.WallNow());
        if (news.has_value()) (news->is_good ? notice_ : warn_)(news->line);
      }
      live_calls_.Tick(environment_.clock.Now());
    }
  }

  const std::unique_ptr<StagingArea> staging_;
  CallerPolicy callers_;
  const std::shared_ptr<RevocationFile> revocations_;  // null without TLS
  std::optional<IdentityWatch> identity_;  // the ticker's; none without TLS
  const std::function<void(const std::string&)> warn_;
  const std::function<void(const std::string&)> notice_;
  RefusalLog refusals_;
  CallLimits limits_;
  ConnectionTable connections_;
  LiveCalls live_calls_;
  CallEnvironment environment_;
  FederationService federation_;
  AdminService admin_;
  const std::chrono::milliseconds tick_;
  std::thread ticker_;
  Mutex mutex_;
  CondVar stop_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  // Last: its end waits for the calls, which use the rest.
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> acceptor_;
  std::unique_ptr<ConnectionListener> listener_;
};

Status GrpcServer::Check(const Options& options, Clock::WallTime now) {
  FEDGAP_RETURN_IF_ERROR(AccessFor(options, now).status());
  return ConnectionListener::Open(options.listen).status();
}

StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Create(const Options& options,
                                                         Deps deps) {
  FEDGAP_ASSIGN_OR_RETURN(Access access,
                          AccessFor(options, deps.clock.WallNow()));
  StagingArea::Options staged = options.staging;
  staged.on_warning = options.on_warning;
  FEDGAP_ASSIGN_OR_RETURN(auto staging,
                          StagingArea::Create(std::move(staged), deps.clock));
  const auto credentials = access.credentials;
  auto impl = std::make_unique<Impl>(options, deps, std::move(access),
                                     std::move(staging));
  FEDGAP_RETURN_IF_ERROR(impl->Listen(options.listen, credentials));
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GrpcServer::~GrpcServer() = default;
int GrpcServer::port() const { return impl_->port(); }
std::size_t GrpcServer::connections() const { return impl_->connections(); }
StagingArea::Usage GrpcServer::staging() const { return impl_->staging(); }
void GrpcServer::Shutdown(std::chrono::milliseconds grace) {
  impl_->Shutdown(grace);
}

}  // namespace fedgap
