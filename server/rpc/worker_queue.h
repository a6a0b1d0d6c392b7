// Threads for the work that must not run in a gRPC reaction: disk writes,
// validation, anything that may wait for a lock.
#ifndef FEDGAP_SERVER_RPC_WORKER_QUEUE_H_
#define FEDGAP_SERVER_RPC_WORKER_QUEUE_H_

#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace fedgap {

// Runs jobs in the order they were posted, on a few threads. Thread-safe.
class WorkerQueue {
 public:
  using Job = std::function<void()>;

  explicit WorkerQueue(int threads);
  // Stops.
  ~WorkerQueue();
  WorkerQueue(const WorkerQueue&) = delete;
  WorkerQueue& operator=(const WorkerQueue&) = delete;

  // After Stop the job is dropped.
  void Post(Job job) EXCLUDES(mutex_);
  // Runs what was posted before, and what that posts, then ends the threads.
  void Stop() EXCLUDES(mutex_);

 private:
  void RunWorker() EXCLUDES(mutex_);

  Mutex mutex_;
  CondVar changed_;
  std::deque<Job> jobs_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool stopped_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// Jobs of one call on a WorkerQueue: one after the other, never two at once,
// so that what they share needs no lock. Thread-safe.
class SerialQueue : public std::enable_shared_from_this<SerialQueue> {
 public:
  // `workers` outlives every call that has not ended.
  explicit SerialQueue(std::shared_ptr<WorkerQueue> workers)
      : workers_(std::move(workers)) {}

  void Post(WorkerQueue::Job job) EXCLUDES(mutex_);

 private:
  void RunNext() EXCLUDES(mutex_);

  const std::shared_ptr<WorkerQueue> workers_;
  Mutex mutex_;
  std::deque<WorkerQueue::Job> jobs_ GUARDED_BY(mutex_);
  bool running_ GUARDED_BY(mutex_) = false;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_RPC_WORKER_QUEUE_H_
