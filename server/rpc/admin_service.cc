#include "server/rpc/admin_service.h"

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
class StatusWatch final : public grpc::ServerWriteReactor<v1::RunStatus>,
                          public LiveCall,
                          public std::enable_shared_from_this<StatusWatch> {
 public:
  // `call` lives until OnDone has returned.
  static StatusWatch* Start(CallEnvironment& environment,
                            const grpc::CallbackServerContext& call) {
    auto watch = std::make_shared<StatusWatch>(environment, call);
    watch->self_ = watch;
    const Status allowed = environment.CheckAdmin(call);
    if (!allowed.ok()) {
      watch->serial_->Post([watch, allowed] { watch->End(allowed); });
    } else {
      environment.live_calls.Add(watch);
      watch->Tick({});
    }
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
      const Status allowed = self->environment_.callers.CheckAdmin(self->call_);
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

grpc::ServerUnaryReactor* AdminService::Do(
    grpc::CallbackServerContext* call, std::function<fedgap::Status()> action) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  environment_.workers->Post([this, call, reactor, action = std::move(action)] {
    fedgap::Status status = environment_.CheckAdmin(*call);
    if (status.ok()) status = action();
    reactor->Finish(ToGrpcStatus(status));
  });
  return reactor;
}

grpc::ServerUnaryReactor* AdminService::Status(
    grpc::CallbackServerContext* call, const v1::StatusRequest* /*request*/,
    v1::RunStatus* reply) {
  return Do(call, [this, reply] {
    *reply = ToProto(environment_.coordinator.GetStatus());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminService::Clients(
    grpc::CallbackServerContext* call, const v1::ClientsRequest* request,
    v1::ClientsReply* reply) {
  return Do(call, [this, request, reply] {
    *reply = ClientsPage(environment_.coordinator.GetStatus(), *request);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminService::Pause(
    grpc::CallbackServerContext* call, const v1::PauseRequest* /*request*/,
    v1::RunStatus* reply) {
  return Do(call, [this, reply] {
    environment_.coordinator.Pause();
    *reply = ToProto(environment_.coordinator.GetStatus());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminService::Resume(
    grpc::CallbackServerContext* call, const v1::ResumeRequest* /*request*/,
    v1::RunStatus* reply) {
  return Do(call, [this, reply] {
    environment_.coordinator.Resume();
    *reply = ToProto(environment_.coordinator.GetStatus());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminService::Stop(grpc::CallbackServerContext* call,
                                             const v1::StopRequest* request,
                                             v1::RunStatus* reply) {
  return Do(call, [this, request, reply]() -> fedgap::Status {
    FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                            ReasonFromProto(request->reason()));
    environment_.coordinator.Stop(reason.empty() ? "by an operator" : reason);
    *reply = ToProto(environment_.coordinator.GetStatus());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminService::Kick(grpc::CallbackServerContext* call,
                                             const v1::KickRequest* request,
                                             v1::RunStatus* reply) {
  return Do(call, [this, request, reply]() -> fedgap::Status {
    FEDGAP_RETURN_IF_ERROR(
        ValidateName(request->client(), "the client's name"));
    FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                            ReasonFromProto(request->reason()));
    FEDGAP_RETURN_IF_ERROR(environment_.coordinator.Expel(
        ClientName{request->client()},
        absl::PermissionDeniedError(
            reason.empty() ? "sent away by the operator"
                           : "sent away by the operator: " + reason)));
    *reply = ToProto(environment_.coordinator.GetStatus());
    return absl::OkStatus();
  });
}

grpc::ServerWriteReactor<v1::RunStatus>* AdminService::Watch(
    grpc::CallbackServerContext* call, const v1::WatchRequest* /*request*/) {
  return StatusWatch::Start(environment_, *call);
}

}  // namespace fedgap
