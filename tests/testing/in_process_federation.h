// The client's view of a Coordinator in the same process: no sockets, no wire.
#ifndef FEDGAP_TESTS_TESTING_IN_PROCESS_FEDERATION_H_
#define FEDGAP_TESTS_TESTING_IN_PROCESS_FEDERATION_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "client/core/federation_api.h"
#include "common/base/mutex.h"
#include "server/aggregation/memory_vector.h"
#include "server/core/coordinator.h"

namespace fedgap {

// Tasks on their way from a coordinator to one client; both ends thread-safe.
class TaskQueue final : public TaskSink {
 public:
  void Push(const Task& task) override {
    MutexLock lock(mutex_);
    tasks_.push_back(task);
    changed_.NotifyAll();
  }
  void Close(const Status& status) override {
    MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = true;
    end_ = status.ok() ? absl::UnavailableError("the stream ended") : status;
    changed_.NotifyAll();
  }
  StatusOr<Task> Pop() {
    MutexLock lock(mutex_);
    while (tasks_.empty() && !closed_) changed_.Wait(mutex_);
    if (tasks_.empty()) return end_;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    return task;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> tasks_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
  Status end_ GUARDED_BY(mutex_);
};

class InProcessFederationApi final : public FederationApi {
 public:
  // `coordinator` must outlive it.
  InProcessFederationApi(Coordinator& coordinator, ClientName client)
      : coordinator_(coordinator), client_(std::move(client)) {}

  StatusOr<JoinReply> Join(const JoinRequest& request) override {
    FEDGAP_RETURN_IF_ERROR(CheckNotCancelled());
    instance_ = request.instance;
    return coordinator_.Join(client_, "in-process", request);
  }

  StatusOr<std::unique_ptr<TaskSource>> OpenTasks(const TaskId& last) override {
    FEDGAP_RETURN_IF_ERROR(CheckNotCancelled());
    auto queue = std::make_shared<TaskQueue>();
    {
      MutexLock lock(mutex_);
      queue_ = queue;
    }
    FEDGAP_RETURN_IF_ERROR(coordinator_.Subscribe(client_, last, queue));
    return std::make_unique<Stream>(*this, std::move(queue));
  }

  StatusOr<Parameters> FetchModel(const ModelId& id,
                                  Parameters memory) override {
    FEDGAP_RETURN_IF_ERROR(CheckNotCancelled());
    FEDGAP_ASSIGN_OR_RETURN(const auto snapshot, coordinator_.GetModel(id));
    coordinator_.CountBytesDown(std::ssize(snapshot->bytes()));
    const auto federated = snapshot->federated();
    memory.assign(federated.begin(), federated.end());
    return memory;
  }

  StatusOr<Verdict> SubmitUpdate(const Update& update) override {
    FEDGAP_RETURN_IF_ERROR(CheckNotCancelled());
    Submission submission;
    submission.header.task = update.info.task;
    submission.header.layout_hash = coordinator_.layout_hash();
    submission.header.elements = std::ssize(update.delta);
    submission.header.digest = DeltaDigest(update.delta);
    submission.info = update.info;
    submission.wire_bytes =
        std::ssize(update.delta) * std::int64_t{sizeof(float)};
    if (!update.delta.empty()) {
      submission.delta = std::make_shared<MemoryVector>(update.delta);
    }
    return coordinator_.Submit(client_, std::move(submission));
  }

  Status Decline(const TaskId& task, const std::string& reason) override {
    FEDGAP_RETURN_IF_ERROR(CheckNotCancelled());
    return coordinator_.Decline(client_, task, reason);
  }

  Status Leave(const std::string& reason) override {
    return coordinator_.Leave(client_, reason, instance_);
  }

  void Cancel() override {
    std::shared_ptr<TaskQueue> queue;
    {
      MutexLock lock(mutex_);
      cancelled_ = true;
      queue = queue_;
    }
    if (queue != nullptr) queue->Close(absl::CancelledError("cancelled"));
  }

 private:
  class Stream final : public TaskSource {
   public:
    Stream(InProcessFederationApi& api, std::shared_ptr<TaskQueue> queue)
        : api_(api), queue_(std::move(queue)) {}
    ~Stream() override {
      api_.coordinator_.Unsubscribe(api_.client_, queue_.get(),
                                    "connection lost");
    }
    StatusOr<Task> Next() override { return queue_->Pop(); }
    void Close() override { queue_->Close(absl::CancelledError("closed")); }

   private:
    InProcessFederationApi& api_;
    std::shared_ptr<TaskQueue> queue_;
  };

  Status CheckNotCancelled() {
    MutexLock lock(mutex_);
    return cancelled_ ? absl::CancelledError("cancelled") : absl::OkStatus();
  }

  Coordinator& coordinator_;
  const ClientName client_;
  std::atomic<std::uint64_t> instance_ = 0;  // of the last Join
  Mutex mutex_;
  bool cancelled_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<TaskQueue> queue_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_IN_PROCESS_FEDERATION_H_
