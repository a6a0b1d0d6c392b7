// The stream on which one client gets its tasks.
#ifndef FEDGAP_SERVER_RPC_TASK_STREAM_H_
#define FEDGAP_SERVER_RPC_TASK_STREAM_H_

#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>
#include <optional>

#include "common/federation/ids.h"
#include "fedgap/v1/federation.pb.h"
#include "server/core/task_sink.h"
#include "server/rpc/call_environment.h"

namespace fedgap {

// A reaction and a sink at once. Everything that changes state is posted on
// the call's own SerialQueue, so the state needs no lock. It owns itself until
// gRPC is done with it; the coordinator may hold it longer: a stream that ended
// by its age stays the client's for as long as a new one may take.
class TaskStream final
    : public grpc::ServerBidiReactor<v1::TasksRequest, v1::TasksReply>,
      public TaskSink,
      public LiveCall,
      public std::enable_shared_from_this<TaskStream> {
 public:
  // Subscribes the client once it has said from where on; UNAVAILABLE if it
  // does not within the stall timeout. `environment` outlives the call.
  static TaskStream* Start(CallEnvironment& environment,
                           const grpc::CallbackServerContext& call,
                           const Caller& caller);

  TaskStream(CallEnvironment& environment, Caller caller);

  void Push(const Task& task) override;
  void Close(const Status& status) override { EndWith(status); }
  void Tick(Clock::Time now) override;
  void EndWith(const Status& status) override;

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  // On the serial queue:
  Status Subscribe(const v1::TasksRequest& request);
  void Enqueue(v1::TasksReply message);
  void GoOn();
  void EndUploadsBefore(const Task& task);
  void Unsubscribe(const char* reason);

  CallEnvironment& environment_;
  Caller caller_;  // its call: until OnDone
  const Clock::Time opened_;
  const std::shared_ptr<SerialQueue> serial_;
  std::shared_ptr<TaskStream> self_;  // until OnDone

  v1::TasksRequest request_;
  bool has_request_ = false;
  std::deque<v1::TasksReply> queue_;
  v1::TasksReply writing_;
  bool is_writing_ = false;
  bool finished_ = false;
  std::optional<Status> end_;
  bool is_old_ = false;  // ended by its age
  // Since when an old stream has had no connection.
  std::optional<Clock::Time> gone_;
  Clock::Time last_write_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_TASK_STREAM_H_
