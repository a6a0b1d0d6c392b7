#include "server/rpc/federation_service.h"

#include <functional>
#include <string>
#include <utility>

#include "common/wire/join_wire.h"
#include "common/wire/task_wire.h"
#include "server/rpc/model_stream.h"
#include "server/rpc/task_stream.h"
#include "server/rpc/update_stream.h"

namespace fedgap {

template <typename Request, typename Reply>
void FederationService::ServeUnary(
    const char* name, Entry entry,
    std::function<Status(const Caller&, const Request&, Reply&)> action) {
  Serve<Request, Reply>(
      name,
      [this, entry,
       action = std::move(action)](grpc::CallbackServerContext* call)
          -> grpc::ServerBidiReactor<Request, Reply>* {
        StatusOr<Caller> caller = Admit(*call, entry);
        if (!caller.ok()) {
          return new RefusedCall<Request, Reply>(caller.status());
        }
        // The action knows the caller without its call, which the reactor ends.
        const Caller known{.client = caller->client,
                           .serial = caller->serial,
                           .peer = call->peer()};
        return UnaryCall<Request, Reply>::Start(
            environment_, *std::move(caller),
            [action, known](const Request& request, Reply& reply) {
              return action(known, request, reply);
            });
      });
}

template <typename Request, typename Reply, typename Stream>
void FederationService::ServeStream(const char* name, Entry entry) {
  Serve<Request, Reply>(
      name,
      [this, entry](grpc::CallbackServerContext* call)
          -> grpc::ServerBidiReactor<Request, Reply>* {
        StatusOr<Caller> caller = Admit(*call, entry);
        if (!caller.ok()) {
          return new RefusedCall<Request, Reply>(caller.status());
        }
        return Stream::Start(environment_, *call, *caller);
      });
}

StatusOr<Caller> FederationService::Admit(
    const grpc::CallbackServerContext& call, Entry entry) const {
  return entry.is_member ? environment_.Member(call, entry.kind)
                         : environment_.Client(call, entry.kind);
}

FederationService::FederationService(CallEnvironment& environment)
    : environment_(environment) {
  ServeUnary<v1::JoinRequest, v1::JoinReply>(
      "Join", {.is_member = false, .kind = CallLimits::Kind::kConnects},
      [this](const Caller& caller, const v1::JoinRequest& request,
             v1::JoinReply& reply) -> Status {
        FEDGAP_ASSIGN_OR_RETURN(const JoinRequest wanted, FromProto(request));
        FEDGAP_ASSIGN_OR_RETURN(
            const JoinReply joined,
            environment_.coordinator.Join(caller.client, caller.peer, wanted));
        reply = ToProto(joined);
        return absl::OkStatus();
      });
  ServeStream<v1::TasksRequest, v1::TasksReply, TaskStream>(
      "Tasks", {.kind = CallLimits::Kind::kConnects});
  ServeStream<v1::FetchModelRequest, grpc::ByteBuffer, ModelStream>(
      "FetchModel", {});
  Serve<grpc::ByteBuffer, v1::SubmitReply>(
      "SubmitUpdate",
      [this](grpc::CallbackServerContext* call) { return BeginUpdate(call); });
  ServeUnary<v1::DeclineRequest, v1::DeclineReply>(
      "Decline", {},
      [this](const Caller& caller, const v1::DeclineRequest& request,
             v1::DeclineReply&) -> Status {
        FEDGAP_ASSIGN_OR_RETURN(
            const TaskId task,
            TaskIdFromProto(request.task_id(), /*allow_empty=*/false));
        FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                                ReasonFromProto(request.reason()));
        return environment_.coordinator.Decline(caller.client, task, reason);
      });
  ServeUnary<v1::LeaveRequest, v1::LeaveReply>(
      "Leave", {.is_member = false},
      [this](const Caller& caller, const v1::LeaveRequest& request,
             v1::LeaveReply&) -> Status {
        FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                                ReasonFromProto(request.reason()));
        return environment_.coordinator.Leave(caller.client, reason,
                                              request.instance());
      });
}

FederationService::SubmitReactor* FederationService::BeginUpdate(
    grpc::CallbackServerContext* call) {
  using Refused = RefusedCall<grpc::ByteBuffer, v1::SubmitReply>;
  StatusOr<Caller> caller = environment_.Identify(*call);
  if (!caller.ok()) return new Refused(caller.status());
  const Status begun = environment_.Begin(*call, *caller);
  // Another program's call costs as any, and is none of the client's.
  const Status speaks = environment_.CheckInstance(*call, *caller);
  if (!speaks.ok()) return new Refused(begun.ok() ? speaks : begun);
  if (begun.ok()) return UpdateStream::Start(environment_, *call, *caller);
  // As after every refusal of an update, its client does not send it again:
  // the round must not wait for it.
  environment_.workers->Post([this, client = caller->client, begun] {
    environment_.coordinator.RejectUpload(client, TaskId{}, begun);
  });
  return new Refused(begun);
}

}  // namespace fedgap
