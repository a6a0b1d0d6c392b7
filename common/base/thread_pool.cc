#include "common/base/thread_pool.h"

#include "common/base/check.h"

namespace fedgap {

ThreadPool::ThreadPool(int threads) {
  FEDGAP_CHECK(threads >= 1);
  workers_.reserve(static_cast<std::size_t>(threads - 1));
  for (int thread = 1; thread < threads; ++thread) {
    workers_.emplace_back([this, thread] { RunWorker(thread); });
  }
}

ThreadPool::~ThreadPool() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  work_ready_.NotifyAll();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::ParallelFor(int count,
                             const std::function<void(int, int)>& task) {
  if (workers_.empty()) {
    for (int index = 0; index < count; ++index) task(index, 0);
    return;
  }
  MutexLock call_lock(call_mutex_);
  MutexLock lock(mutex_);
  task_ = &task;
  next_ = 0;
  count_ = count;
  work_ready_.NotifyAll();
  Drain(0);
  while (running_ > 0) work_done_.Wait(mutex_);
  task_ = nullptr;
}

void ThreadPool::RunWorker(int thread) {
  MutexLock lock(mutex_);
  while (true) {
    while (!stopping_ && (task_ == nullptr || next_ >= count_)) {
      work_ready_.Wait(mutex_);
    }
    if (stopping_) return;
    Drain(thread);
  }
}

void ThreadPool::Drain(int thread) {
  while (task_ != nullptr && next_ < count_) {
    const int index = next_++;
    const std::function<void(int, int)>& task = *task_;
    ++running_;
    mutex_.Unlock();
    task(index, thread);
    mutex_.Lock();
    if (--running_ == 0 && next_ >= count_) work_done_.NotifyAll();
  }
}

}  // namespace fedgap
