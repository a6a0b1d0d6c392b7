#include "server/rpc/worker_queue.h"

#include <utility>

#include "common/base/check.h"

namespace fedgap {

WorkerQueue::WorkerQueue(int threads) {
  FEDGAP_CHECK(threads >= 1);
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { RunWorker(); });
  }
}

WorkerQueue::~WorkerQueue() { Stop(); }

void WorkerQueue::Post(Job job) {
  {
    MutexLock lock(mutex_);
    if (stopped_) return;
    jobs_.push_back(std::move(job));
  }
  changed_.NotifyOne();
}

void WorkerQueue::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  std::deque<Job> left;
  MutexLock lock(mutex_);
  stopped_ = true;
  left.swap(jobs_);
}

void WorkerQueue::RunWorker() {
  while (true) {
    Job job;
    {
      MutexLock lock(mutex_);
      while (jobs_.empty() && !stopping_) changed_.Wait(mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

void SerialQueue::Post(WorkerQueue::Job job) {
  {
    MutexLock lock(mutex_);
    jobs_.push_back(std::move(job));
    if (running_) return;
    running_ = true;
  }
  workers_->Post([self = shared_from_this()] { self->RunNext(); });
}

void SerialQueue::RunNext() {
  WorkerQueue::Job job;
  {
    MutexLock lock(mutex_);
    job = std::move(jobs_.front());
    jobs_.pop_front();
  }
  job();
  job = nullptr;  // what it holds may end here, before the next one begins
  {
    MutexLock lock(mutex_);
    running_ = !jobs_.empty();
    if (!running_) return;
  }
  workers_->Post([self = shared_from_this()] { self->RunNext(); });
}

}  // namespace fedgap
