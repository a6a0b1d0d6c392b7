#include "server/rpc/task_stream.h"

#include <limits>
#include <utility>
#include <variant>

#include "common/rpc/status_conversion.h"
#include "common/wire/task_wire.h"
#include "server/rpc/headers_first.h"

namespace fedgap {
namespace {

// A client that reads nothing while so much is pushed is not there any more.
constexpr std::size_t kMaxQueued = 1000;
// A client whose stream ended by its age opens the next at once; one that has
// not done so by then is not there any more.
constexpr std::chrono::seconds kReopenPatience{30};

}  // namespace

TaskStream::TaskStream(CallEnvironment& environment, Caller caller)
    : environment_(environment),
      caller_(std::move(caller)),
      opened_(environment.clock.Now()),
      serial_(std::make_shared<SerialQueue>(environment.workers)),
      last_write_(opened_) {}

TaskStream* TaskStream::Start(CallEnvironment& environment,
                              const grpc::CallbackServerContext& /*call*/,
                              const Caller& caller) {
  auto stream = std::make_shared<TaskStream>(environment, caller);
  stream->self_ = stream;
  stream->StartRead(&stream->request_);
  environment.live_calls.Add(stream);
  return stream.get();
}

void TaskStream::OnReadDone(bool ok) {
  serial_->Post([self = shared_from_this(), ok] {
    if (self->end_.has_value()) return;
    const Status status = ok ? self->Subscribe(self->request_) : NoRequest();
    if (!status.ok()) self->EndWith(status);
  });
}

Status TaskStream::Subscribe(const v1::TasksRequest& request) {
  has_request_ = true;
  caller_.traffic->Received(request.ByteSizeLong());
  FEDGAP_ASSIGN_OR_RETURN(
      const TaskId last,
      TaskIdFromProto(request.last_task_id(), /*allow_empty=*/true));
  return environment_.coordinator.Subscribe(caller_.client, last,
                                            shared_from_this());
}

void TaskStream::Push(const Task& task) {
  serial_->Post([self = shared_from_this(), task] {
    self->environment_.limits.ExpectCalls(self->caller_.client);
    self->EndUploadsBefore(task);
    v1::TasksReply message;
    *message.mutable_task() = ToProto(task);
    self->environment_.coordinator.CountBytesDown(
        static_cast<std::int64_t>(message.ByteSizeLong()));
    self->Enqueue(std::move(message));
  });
}

void TaskStream::EndUploadsBefore(const Task& task) {
  // An aborted round is run again with the same tasks: what has arrived of an
  // update is still good.
  if (std::holds_alternative<AbortedNotice>(task.work)) return;
  const bool is_work = std::holds_alternative<TrainTask>(task.work) ||
                       std::holds_alternative<EvaluateTask>(task.work);
  const Round through = std::holds_alternative<FinishedNotice>(task.work)
                            ? std::numeric_limits<Round>::max()
                            : task.round;
  environment_.staging.EndTasks(caller_.client, through,
                                is_work ? task.id : TaskId{});
}

void TaskStream::Tick(Clock::Time now) {
  serial_->Post([self = shared_from_this(), now] {
    const Status welcome = self->environment_.callers.Check(self->caller_);
    if (!welcome.ok()) {
      self->environment_.coordinator
          .Expel(self->caller_.client, welcome, self.get())
          .IgnoreError();
      self->EndWith(welcome);
    } else if (self->gone_.has_value()) {
      if (now - *self->gone_ >= kReopenPatience) {
        self->Unsubscribe("did not open its stream of tasks again");
      }
    } else if (!self->has_request_) {
      if (now - self->opened_ >= self->environment_.stall_timeout) {
        self->EndWith(RequestTookTooLong());
      }
    } else if (!self->end_.has_value() &&
               now - self->opened_ >= self->environment_.max_stream_age) {
      self->is_old_ = true;
      self->EndWith(absl::OkStatus());
    } else if (!self->is_writing_ &&
               now - self->last_write_ >= self->environment_.heartbeat) {
      v1::TasksReply heartbeat;
      heartbeat.mutable_heartbeat();
      self->Enqueue(std::move(heartbeat));
    }
  });
}

void TaskStream::EndWith(const Status& status) {
  serial_->Post([self = shared_from_this(), status] {
    if (!self->end_.has_value()) self->end_ = status;
    self->GoOn();
  });
}

void TaskStream::Enqueue(v1::TasksReply message) {
  if (end_.has_value()) return;
  queue_.push_back(std::move(message));
  if (queue_.size() > kMaxQueued) {
    queue_.clear();
    end_ = absl::ResourceExhaustedError("the client does not read its tasks");
  }
  GoOn();
}

void TaskStream::GoOn() {
  if (is_writing_ || finished_) return;
  if (!queue_.empty()) {
    writing_ = std::move(queue_.front());
    queue_.pop_front();
    is_writing_ = true;
    last_write_ = environment_.clock.Now();
    StartWrite(&writing_);
  } else if (end_.has_value()) {
    finished_ = true;
    Finish(ToGrpcStatus(*end_));
  }
}

void TaskStream::OnWriteDone(bool ok) {
  serial_->Post([self = shared_from_this(), ok] {
    self->is_writing_ = false;
    if (!ok) {
      self->queue_.clear();
      self->end_ = absl::CancelledError("the connection is lost");
    }
    self->GoOn();
  });
}

void TaskStream::OnCancel() {
  serial_->Post([self = shared_from_this()] {
    self->queue_.clear();
    self->end_ = absl::CancelledError("the connection is lost");
    self->GoOn();
  });
}

void TaskStream::OnDone() {
  auto self = std::move(self_);
  caller_.call.reset();
  serial_->Post([self] {
    if (self->is_old_ && self->end_->ok()) {
      self->gone_ = self->environment_.clock.Now();
    } else {
      self->Unsubscribe("connection lost");
    }
  });
}

void TaskStream::Unsubscribe(const char* reason) {
  environment_.coordinator.Unsubscribe(caller_.client, this, reason);
}

}  // namespace fedgap
