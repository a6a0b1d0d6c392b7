#include "server/rpc/federation_service.h"

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

}  // namespace

grpc::ServerUnaryReactor* FederationService::Join(
    grpc::CallbackServerContext* call, const v1::JoinRequest* request,
    v1::JoinReply* reply) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  environment_.workers->Post([this, call, request, reply, reactor] {
    const auto join = [&]() -> Status {
      FEDGAP_ASSIGN_OR_RETURN(const Caller caller, environment_.Client(*call));
      FEDGAP_ASSIGN_OR_RETURN(const JoinRequest wanted, FromProto(*request));
      FEDGAP_ASSIGN_OR_RETURN(
          const JoinReply joined,
          environment_.coordinator.Join(caller.client, call->peer(), wanted));
      *reply = ToProto(joined);
      return absl::OkStatus();
    };
    reactor->Finish(ToGrpcStatus(join()));
  });
  return reactor;
}

grpc::ServerWriteReactor<v1::TasksReply>* FederationService::Tasks(
    grpc::CallbackServerContext* call, const v1::TasksRequest* request) {
  using Refused = RefusedStream<grpc::ServerWriteReactor<v1::TasksReply>>;
  const StatusOr<Caller> caller = environment_.Client(*call);
  if (!caller.ok()) return new Refused(caller.status());
  const StatusOr<TaskId> last =
      TaskIdFromProto(request->last_task_id(), /*allow_empty=*/true);
  if (!last.ok()) return new Refused(last.status());
  return TaskStream::Start(environment_, *caller, *last);
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* FederationService::FetchModel(
    grpc::CallbackServerContext* call, const grpc::ByteBuffer* request) {
  using Refused = RefusedStream<grpc::ServerWriteReactor<grpc::ByteBuffer>>;
  const StatusOr<Caller> caller = environment_.Client(*call);
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
  return new ModelStream(environment_, message);
}

grpc::ServerBidiReactor<v1::SubmitRequest, v1::SubmitReply>*
FederationService::SubmitUpdate(grpc::CallbackServerContext* call) {
  const StatusOr<Caller> caller = environment_.Client(*call);
  if (!caller.ok()) {
    return new RefusedStream<
        grpc::ServerBidiReactor<v1::SubmitRequest, v1::SubmitReply>>(
        caller.status());
  }
  return UpdateStream::Start(environment_, *call, *caller);
}

grpc::ServerUnaryReactor* FederationService::Decline(
    grpc::CallbackServerContext* call, const v1::DeclineRequest* request,
    v1::DeclineReply* /*reply*/) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  environment_.workers->Post([this, call, request, reactor] {
    const auto decline = [&]() -> Status {
      FEDGAP_ASSIGN_OR_RETURN(const Caller caller, environment_.Client(*call));
      FEDGAP_ASSIGN_OR_RETURN(
          const TaskId task,
          TaskIdFromProto(request->task_id(), /*allow_empty=*/false));
      FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                              ReasonFromProto(request->reason()));
      return environment_.coordinator.Decline(caller.client, task, reason);
    };
    reactor->Finish(ToGrpcStatus(decline()));
  });
  return reactor;
}

grpc::ServerUnaryReactor* FederationService::Leave(
    grpc::CallbackServerContext* call, const v1::LeaveRequest* request,
    v1::LeaveReply* /*reply*/) {
  grpc::ServerUnaryReactor* reactor = call->DefaultReactor();
  environment_.workers->Post([this, call, request, reactor] {
    const auto leave = [&]() -> Status {
      FEDGAP_ASSIGN_OR_RETURN(const Caller caller, environment_.Client(*call));
      FEDGAP_ASSIGN_OR_RETURN(const std::string reason,
                              ReasonFromProto(request->reason()));
      return environment_.coordinator.Leave(caller.client, reason,
                                            request->instance());
    };
    reactor->Finish(ToGrpcStatus(leave()));
  });
  return reactor;
}

}  // namespace fedgap
