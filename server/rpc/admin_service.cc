#include "server/rpc/admin_service.h"

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "common/rpc/status_conversion.h"
#include "common/wire/join_wire.h"
#include "common/wire/run_status_wire.h"

namespace fedgap {
namespace {

// Sends the status when it has changed since it was last looked at. Owns
// itself until gRPC is done with it.
class StatusWatch final
    : public grpc::ServerBidiReactor<v1::WatchRequest, v1::RunStatus>,
      public LiveCall,
      public std::enable_shared_from_this<StatusWatch> {
 public:
  // The request says nothing: it is not waited for. `call` lives until OnDone
  // has returned.
  static StatusWatch* Start(CallEnvironment& environment,
                            const grpc::CallbackServerContext& call) {
    auto watch = std::make_shared<StatusWatch>(environment, call);
    watch->self_ = watch;
    environment.live_calls.Add(watch);
    watch->Tick({});
    return watch.get();
  }

  StatusWatch(CallEnvironment& environment,
              const grpc::CallbackServerContext& call)
      : environment_(environment),
        call_(call),
        serial_(std::make_shared<SerialQueue>(environment.workers)) {}

  void Tick(Clock::Time) override {
    serial_->Post([self = shared_from_this()] {
      if (self->finished_) return;
      // Its certificate may have been revoked meanwhile.
      const Status allowed =
          self->environment_.callers.Operator(self->call_).status();
      if (allowed.ok()) {
        self->Look();
      } else {
        self->End(allowed);
      }
    });
  }
  void EndWith(const Status& status) override {
    serial_->Post([self = shared_from_this(), status] {
      // How the run ended is told before the server goes away.
      self->Look();
      self->End(status);
    });
  }
  void OnWriteDone(bool ok) override {
    serial_->Post([self = shared_from_this(), ok] {
      self->is_writing_ = false;
      if (!ok) {
        self->End(absl::CancelledError("the connection is lost"));
      } else if (self->end_.has_value()) {
        self->Look();
      }
      self->FinishIfEnded();
    });
  }
  void OnCancel() override {
    EndWith(absl::CancelledError("the connection is lost"));
  }
  void OnDone() override { const auto self = std::move(self_); }

 private:
  void Look() {
    if (is_writing_ || finished_) return;
    const RunStatus status = environment_.coordinator.GetStatus();
    v1::RunStatus message = ToProto(status);
    std::string bytes = message.SerializeAsString();
    if (bytes != last_) {
      last_ = std::move(bytes);
      writing_ = std::move(message);
      is_writing_ = true;
      StartWrite(&writing_);
    }
    if (status.phase == RunPhase::kFinished) End(absl::OkStatus());
  }
  void End(const Status& status) {
    if (!end_.has_value()) end_ = status;
    FinishIfEnded();
  }
  void FinishIfEnded() {
    if (is_writing_ || finished_ || !end_.has_value()) return;
    finished_ = true;
    Finish(ToGrpcStatus(*end_));
  }

  CallEnvironment& environment_;
  const grpc::CallbackServerContext& call_;
  const std::shared_ptr<SerialQueue> serial_;
  std::shared_ptr<StatusWatch> self_;  // until OnDone
  v1::RunStatus writing_;
  std::string last_;
  bool is_writing_ = false;
  bool finished_ = false;
  std::optional<Status> end_;
};

}  // namespace

template <typename Request, typename Reply>
void AdminService::ServeUnary(
    const char* name,
    std::function<fedgap::Status(const std::string&, const Request&, Reply&)>
        action) {
  Serve<Request, Reply>(
      name,
      [this, action = std::move(action)](grpc::CallbackServerContext* call)
          -> grpc::ServerBidiReactor<Request, Reply>* {
        const StatusOr<std::string> by = environment_.Operator(*call);
        if (!by.ok()) return new RefusedCall<Request, Reply>(by.status());
        return UnaryCall<Request, Reply>::Start(
            environment_, {},
            [by = *by, action](const Request& request, Reply& reply) {
              return action(by, request, reply);
            });
      });
}

AdminService::AdminService(CallEnvironment& environment)
    : environment_(environment) {
  ServeUnary<v1::StatusRequest, v1::RunStatus>(
      "Status", [this](const std::string&, const v1::StatusRequest&,
                       v1::RunStatus& reply) {
        reply = ToProto(environment_.coordinator.GetStatus());
        return absl::OkStatus();
      });
  ServeUnary<v1::ClientsRequest, v1::ClientsReply>(
      "Clients", [this](const std::string&, const v1::ClientsRequest& request,
                        v1::ClientsReply& reply) {
        reply = ClientsPage(environment_.coordinator.GetStatus(), request);
        return absl::OkStatus();
      });
  ServeUnary<v1::PauseRequest, v1::RunStatus>(
      "Pause", [this](const std::string& by, const v1::PauseRequest&,
                      v1::RunStatus& reply) {
        environment_.coordinator.Pause(by);
        reply = ToProto(environment_.coordinator.GetStatus());
        return absl::OkStatus();
      });
  ServeUnary<v1::ResumeRequest, v1::RunStatus>(
      "Resume", [this](const std::string& by, const v1::ResumeRequest&,
                       v1::RunStatus& reply) {
        environment_.coordinator.Resume(by);
        reply = ToProto(environment_.coordinator.GetStatus());
        return absl::OkStatus();
      });
  ServeUnary<v1::StopRequest, v1::RunStatus>(
      "Stop",
      [this](const std::string& by, const v1::StopRequest& request,
             v1::RunStatus& reply) { return StopRun(by, request, reply); });
  ServeUnary<v1::KickRequest, v1::RunStatus>(
      "Kick",
      [this](const std::string& by, const v1::KickRequest& request,
             v1::RunStatus& reply) { return KickClient(by, request, reply); });
  Serve<v1::WatchRequest, v1::RunStatus>(
      "Watch",
      [this](grpc::CallbackServerContext* call)
          -> grpc::ServerBidiReactor<v1::WatchRequest, v1::RunStatus>* {
        const fedgap::Status allowed = environment_.Operator(*call).status();
        if (!allowed.ok()) {
          return new RefusedCall<v1::WatchRequest, v1::RunStatus>(allowed);
        }
        return StatusWatch::Start(environment_, *call);
      });
}

fedgap::Status AdminService::StopRun(const std::string& by,
                                     const v1::StopRequest& request,
                                     v1::RunStatus& reply) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                          ReasonFromProto(request.reason()));
  environment_.coordinator.Stop(by, reason);
  reply = ToProto(environment_.coordinator.GetStatus());
  return absl::OkStatus();
}

fedgap::Status AdminService::KickClient(const std::string& by,
                                        const v1::KickRequest& request,
                                        v1::RunStatus& reply) {
  FEDGAP_RETURN_IF_ERROR(ValidateName(request.client(), "the client's name"));
  FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                          ReasonFromProto(request.reason()));
  FEDGAP_RETURN_IF_ERROR(environment_.coordinator.Expel(
      ClientName{request.client()},
      absl::PermissionDeniedError(fmt::format(
          "sent away by {}{}{}", by, reason.empty() ? "" : ": ", reason))));
  reply = ToProto(environment_.coordinator.GetStatus());
  return absl::OkStatus();
}

}  // namespace fedgap
