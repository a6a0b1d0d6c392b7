#include "server/rpc/federation_service.h"

#include <functional>
#include <utility>

#include "common/rpc/status_conversion.h"
#include "common/wire/join_wire.h"
#include "common/wire/task_wire.h"
#include "server/rpc/model_stream.h"
#include "server/rpc/task_stream.h"
#include "server/rpc/update_stream.h"

namespace fedgap {
namespace {

// A stream that ends before it begins.
template <typename Reactor>
class RefusedStream final : public Reactor {
 public:
  explicit RefusedStream(const Status& status) {
    this->Finish(ToGrpcStatus(status));
  }
  void OnDone() override { delete this; }
};

// Answers on a worker with what `action` says, unless the caller is refused:
// such calls fill no queue.
grpc::ServerUnaryReactor* Answer(
    const CallEnvironment& environment, grpc::CallbackServerContext* call,
    const StatusOr<Caller>& caller,
    std::function<Status(const Caller& caller)> action) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  if (!caller.ok()) {
    reactor->Finish(ToGrpcStatus(caller.status()));
    return reactor;
  }
  environment.workers->Post(
      [reactor, caller = *caller, action = std::move(action)] {
        reactor->Finish(ToGrpcStatus(action(caller)));
      });
  return reactor;
}

}  // namespace

grpc::ServerUnaryReactor* FederationService::Join(
    grpc::CallbackServerContext* call, const v1::JoinRequest* request,
    v1::JoinReply* reply) {
  return Answer(
      environment_, call,
      environment_.Client(*call, CallLimits::Kind::kConnects),
      [this, call, request, reply](const Caller& caller) -> Status {
        FEDGAP_ASSIGN_OR_RETURN(const JoinRequest wanted, FromProto(*request));
        FEDGAP_ASSIGN_OR_RETURN(
            const JoinReply joined,
            environment_.coordinator.Join(caller.client, call->peer(), wanted));
        *reply = ToProto(joined);
        return absl::OkStatus();
      });
}

grpc::ServerWriteReactor<v1::TasksReply>* FederationService::Tasks(
    grpc::CallbackServerContext* call, const v1::TasksRequest* request) {
  using Refused = RefusedStream<grpc::ServerWriteReactor<v1::TasksReply>>;
  const StatusOr<Caller> caller =
      environment_.Member(*call, CallLimits::Kind::kConnects);
  if (!caller.ok()) return new Refused(caller.status());
  const StatusOr<TaskId> last =
      TaskIdFromProto(request->last_task_id(), /*allow_empty=*/true);
  if (!last.ok()) return new Refused(last.status());
  return TaskStream::Start(environment_, *caller, *last);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* FederationService::FetchModel(
    grpc::CallbackServerContext* call, const grpc::ByteBuffer* request) {
  using Refused = RefusedStream<grpc::ServerWriteReactor<grpc::ByteBuffer>>;
  const StatusOr<Caller> caller = environment_.Member(*call);
  if (!caller.ok()) return new Refused(caller.status());
  v1::FetchModelRequest message;
  grpc::ByteBuffer bytes = *request;
  const grpc::Status parsed =
      grpc::SerializationTraits<v1::FetchModelRequest>::Deserialize(&bytes,
                                                                    &message);
  if (!parsed.ok()) {
    return new Refused(absl::InvalidArgumentError(
        "the request is no message of this protocol"));
  }
  return ModelStream::Start(environment_, *call, *caller, message);
}

grpc::ServerBidiReactor<v1::SubmitRequest, v1::SubmitReply>*
FederationService::SubmitUpdate(grpc::CallbackServerContext* call) {
  using Refused = RefusedStream<
      grpc::ServerBidiReactor<v1::SubmitRequest, v1::SubmitReply>>;
  StatusOr<Caller> caller = environment_.Identify(*call);
  if (!caller.ok()) return new Refused(caller.status());
  const Status speaks = environment_.CheckInstance(*call, *caller);
  if (!speaks.ok()) return new Refused(speaks);
  const Status begun = environment_.Begin(*call, *caller);
  if (begun.ok()) return UpdateStream::Start(environment_, *call, *caller);
  // As after every refusal of an update, its client does not send it again:
  // the round must not wait for it.
  environment_.workers->Post([this, client = caller->client, begun] {
    environment_.coordinator.RejectUpload(client, TaskId{}, begun);
  });
  return new Refused(begun);
}

grpc::ServerUnaryReactor* FederationService::Decline(
    grpc::CallbackServerContext* call, const v1::DeclineRequest* request,
    v1::DeclineReply* /*reply*/) {
  return Answer(
      environment_, call, environment_.Member(*call),
      [this, request](const Caller& caller) -> Status {
        FEDGAP_ASSIGN_OR_RETURN(
            const TaskId task,
            TaskIdFromProto(request->task_id(), /*allow_empty=*/false));
        FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                                ReasonFromProto(request->reason()));
        return environment_.coordinator.Decline(caller.client, task, reason);
      });
}

grpc::ServerUnaryReactor* FederationService::Leave(
    grpc::CallbackServerContext* call, const v1::LeaveRequest* request,
    v1::LeaveReply* /*reply*/) {
  return Answer(environment_, call, environment_.Client(*call),
                [this, request](const Caller& caller) -> Status {
                  FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                                          ReasonFromProto(request->reason()));
                  return environment_.coordinator.Leave(caller.client, reason,
                                                        request->instance());
                });
}

}  // namespace fedgap
