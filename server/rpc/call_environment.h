// What every call of the server needs.
#ifndef FEDGAP_SERVER_RPC_CALL_ENVIRONMENT_H_
#define FEDGAP_SERVER_RPC_CALL_ENVIRONMENT_H_

#include <chrono>
#include <memory>

#include "common/base/clock.h"
#include "server/core/coordinator.h"
#include "server/core/staging_area.h"
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
  RefusalLog& refusals;
  std::shared_ptr<WorkerQueue> workers;
  Clock::Duration heartbeat;
  Clock::Duration max_stream_age;
  Clock::Duration stall_timeout;

  // CallerPolicy's answers; who is refused is logged.
  StatusOr<Caller> Client(const grpc::CallbackServerContext& call) const {
    StatusOr<Caller> caller = callers.Client(call);
    if (!caller.ok()) refusals.Note(call.peer(), caller.status());
    return caller;
  }
  Status CheckAdmin(const grpc::CallbackServerContext& call) const {
    Status status = callers.CheckAdmin(call);
    if (!status.ok()) refusals.Note(call.peer(), status);
    return status;
  }
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_CALL_ENVIRONMENT_H_
