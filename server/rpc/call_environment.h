// What every call of the server needs.
#ifndef FEDGAP_SERVER_RPC_CALL_ENVIRONMENT_H_
#define FEDGAP_SERVER_RPC_CALL_ENVIRONMENT_H_

#include <functional>
#include <memory>

#include "common/base/clock.h"
#include "server/core/coordinator.h"
#include "server/core/staging_area.h"
#include "server/rpc/call_limits.h"
#include "server/rpc/caller.h"
#include "server/rpc/live_call.h"
#include "server/rpc/refusal_log.h"
#include "server/rpc/worker_queue.h"

namespace fedgap {

// Outlives every call.
struct CallEnvironment {
  Coordinator& coordinator;
  StagingArea& staging;
  const Clock& clock;
  LiveCalls& live_calls;
  const CallerPolicy& callers;
  CallLimits& limits;
  ConnectionTable& connections;
  RefusalLog& refusals;
  std::function<void(const Status&)> on_refusal;
  std::shared_ptr<WorkerQueue> workers;
  Clock::Duration heartbeat;
  Clock::Duration max_stream_age;
  Clock::Duration stall_timeout;

  // The answers of CallerPolicy and, for one more call of the client, of
  // CallLimits; who is refused is logged and counted.
  StatusOr<Caller> Client(
      const grpc::CallbackServerContext& call,
      CallLimits::Kind kind = CallLimits::Kind::kPlain) const {
    StatusOr<Caller> caller = Identify(call);
    if (caller.ok()) FEDGAP_RETURN_IF_ERROR(Begin(call, *caller, kind));
    return caller;
  }
  // As Client, for calls that only the program may make which joined in the
  // client's name: also ABORTED, of Coordinator::CheckInstance.
  StatusOr<Caller> Member(
      const grpc::CallbackServerContext& call,
      CallLimits::Kind kind = CallLimits::Kind::kPlain) const {
    StatusOr<Caller> caller = Client(call, kind);
    if (caller.ok()) FEDGAP_RETURN_IF_ERROR(CheckInstance(call, *caller));
    return caller;
  }
  // Of CallerPolicy; a client that asks for what only operators may has made a
  // call, which CallLimits count.
  StatusOr<std::string> Operator(
      const grpc::CallbackServerContext& call) const {
    StatusOr<std::string> caller = callers.Operator(call);
    if (caller.ok()) return caller;
    StatusOr<Caller> client = callers.Client(call);
    if (client.ok()) FEDGAP_RETURN_IF_ERROR(Begin(call, *client));
    return Noted(call, caller.status());
  }

  // The parts of the two.
  StatusOr<Caller> Identify(const grpc::CallbackServerContext& call) const {
    StatusOr<Caller> caller = callers.Client(call);
    FEDGAP_RETURN_IF_ERROR(Noted(call, caller.status()));
    return caller;
  }
  Status Begin(const grpc::CallbackServerContext& call, Caller& caller,
               CallLimits::Kind kind = CallLimits::Kind::kPlain) const {
    StatusOr<CallLimits::OpenCall> open = limits.Begin(caller.client, kind);
    FEDGAP_RETURN_IF_ERROR(Noted(call, open.status()));
    caller.call = *std::move(open);
    caller.traffic = connections.Know(call.peer(), caller.client);
    return absl::OkStatus();
  }
  Status CheckInstance(const grpc::CallbackServerContext& call,
                       const Caller& caller) const {
    Status status =
        coordinator.CheckInstance(caller.client, call.peer(), caller.instance);
    if (!status.ok()) on_refusal(status);  // the coordinator has logged it
    return status;
  }

 private:
  Status Noted(const grpc::CallbackServerContext& call,
               const Status& status) const {
    if (status.ok()) return status;
    refusals.Note(call.peer(), status);
    on_refusal(status);
    return status;
  }
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_CALL_ENVIRONMENT_H_
