// A real Coordinator behind a real GrpcServer on a free port of 127.0.0.1,
// driven by a thread that advances it when it has work.
#ifndef FEDGAP_TESTS_SERVER_RPC_RUNNING_SERVER_H_
#define FEDGAP_TESTS_SERVER_RPC_RUNNING_SERVER_H_

#include <grpcpp/create_channel.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "client/rpc/grpc_federation_api.h"
#include "common/base/check.h"
#include "common/base/mutex.h"
#include "fedgap/v1/federation.grpc.pb.h"
#include "server/core/coordinator.h"
#include "server/core/memory_run_store.h"
#include "server/rpc/grpc_server.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {

class RunningServer {
 public:
  struct Options {
    int min_clients = 1;
    int rounds = 1;
    double quorum = 1;
    int width = 4;  // of the model's first convolution
    int upload_slots = 16;
    int port = 0;
    std::optional<TlsFiles> tls = std::nullopt;
    std::set<std::string> allowed_clients = {};
    CallLimits::Options limits = {};
    ConnectionTable::Options connections = {};
    OnExcess on_excess = OnExcess::kReject;
  };

  explicit RunningServer(const Options& options) {
    Coordinator::Options run;
    run.config.name = "test";
    run.config.rounds = options.rounds;
    run.config.cohort.min_clients = options.min_clients;
    run.config.cohort.quorum = options.quorum;
    run.config.cohort.deadline_seconds = 0;
    run.config.evaluation.local.pooled = PooledMode::kOff;
    run.config.aggregation.upload_slots = options.upload_slots;
    run.config.validation.on_excess = options.on_excess;
    run.model = BuiltInModel("gap-cnn-s", {.width = options.width}).value();
    coordinator_ =
        Coordinator::Create(std::move(run), {clock_, store_, events_, nullptr})
            .value();
    GrpcServer::Options rpc;
    rpc.listen = {"127.0.0.1", static_cast<std::uint16_t>(options.port)};
    rpc.tls = options.tls;
    rpc.allowed_clients = options.allowed_clients;
    rpc.limits = options.limits;
    rpc.connections = options.connections;
    rpc.on_warning = [this](const std::string& line) {
      events_.Emit(WarningEvent{line});
    };
    rpc.staging.directory = directory_.path();
    rpc.staging.slots = options.upload_slots;
    rpc.tick = std::chrono::milliseconds(5);
    // Certificates are valid in real time only.
    if (options.tls.has_value()) rpc_clock_ = &system_clock_;
    server_ = GrpcServer::Create(rpc, {*coordinator_, *rpc_clock_}).value();
    coordinator_->SetWakeUp([this] {
      MutexLock lock(mutex_);
      awake_ = true;
      changed_.NotifyAll();
    });
    driver_ = std::thread([this] { Drive(); });
  }
  ~RunningServer() {
    server_->Shutdown(std::chrono::milliseconds(0));
    coordinator_->SetWakeUp([] {});
    {
      MutexLock lock(mutex_);
      stopping_ = true;
    }
    changed_.NotifyAll();
    driver_.join();
  }

  Coordinator& coordinator() { return *coordinator_; }
  GrpcServer& server() { return *server_; }
  ManualClock& clock() { return clock_; }
  const RecordingEventSink& events() const { return events_; }
  const std::filesystem::path& staging_directory() const {
    return directory_.path();
  }
  ServerAddress address() const {
    return {"127.0.0.1", static_cast<std::uint16_t>(server_->port())};
  }

  // A client without TLS, of the server at a port of this machine.
  static std::unique_ptr<GrpcFederationApi> ClientOf(int port,
                                                     const std::string& name,
                                                     const Clock& clock) {
    GrpcFederationApi::Options options;
    options.server = {"127.0.0.1", static_cast<std::uint16_t>(port)};
    options.insecure_name = {name};
    return GrpcFederationApi::Create(options, clock).value();
  }
  // Of this server, or of what stands before it at `port`.
  std::unique_ptr<GrpcFederationApi> Client(
      const std::string& name, std::optional<int> port = std::nullopt) {
    return ClientOf(port.value_or(server_->port()), name, clock_);
  }

  // A client with the certificate in `files`.
  StatusOr<std::unique_ptr<GrpcFederationApi>> TlsClient(
      const TlsFiles& files) {
    GrpcFederationApi::Options options;
    options.server = address();
    options.tls = files;
    return GrpcFederationApi::Create(options, system_clock_);
  }

  // Calls made by hand.
  std::unique_ptr<v1::Federation::Stub> Stub() {
    return v1::Federation::NewStub(Channel());
  }
  std::shared_ptr<grpc::Channel> Channel() const {
    return grpc::CreateChannel(address().ToString(),
                               grpc::InsecureChannelCredentials());
  }

  static JoinRequest Holding(std::int64_t samples) {
    JoinRequest request;
    request.samples = samples;
    return request;
  }

  // An update that the run accepts.
  Update UpdateFor(const Task& task, float value = 0.5F) {
    Update update;
    update.info.task = task.id;
    update.info.round = task.round;
    update.info.base = task.base;
    update.info.counts = {{0, 10, 7840}};
    update.info.local_steps = 1;
    if (std::holds_alternative<TrainTask>(task.work)) {
      update.delta.assign(
          static_cast<std::size_t>(
              coordinator_->model().layout().federated_range().size()),
          value);
    }
    return update;
  }

 private:
  void Drive() {
    while (true) {
      FEDGAP_CHECK(coordinator_->Advance().ok());
      MutexLock lock(mutex_);
      while (!awake_ && !stopping_) changed_.Wait(mutex_);
      if (stopping_) return;
      awake_ = false;
    }
  }

  TempDir directory_;
  ManualClock clock_;
  SystemClock system_clock_;
  const Clock* rpc_clock_ = &clock_;
  MemoryRunStore store_;
  RecordingEventSink events_;
  std::unique_ptr<Coordinator> coordinator_;
  std::unique_ptr<GrpcServer> server_;
  Mutex mutex_;
  CondVar changed_;
  bool awake_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread driver_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_SERVER_RPC_RUNNING_SERVER_H_
