// A fixed set of threads for loops whose result must not depend on how many
// threads there are.
#ifndef FEDGAP_COMMON_BASE_THREAD_POOL_H_
#define FEDGAP_COMMON_BASE_THREAD_POOL_H_

#include <functional>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace fedgap {

// Thread-safe, but one ParallelFor runs at a time; a nested call from inside a
// task deadlocks and is a broken contract.
class ThreadPool {
 public:
  // `threads` >= 1; the calling thread is one of them, so 1 starts none.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Runs task(index, thread) for every index in [0, count) and returns when
  // all have ended; `thread` in [0, threads()) names the executing thread, for
  // per-thread scratch. Indices are handed out in order, one at a time. `task`
  // must not throw.
  void ParallelFor(int count, const std::function<void(int, int)>& task)
      EXCLUDES(call_mutex_, mutex_);

 private:
  void RunWorker(int thread);
  // Takes indices until none is left.
  void Drain(int thread) REQUIRES(mutex_);

  Mutex call_mutex_;  // held through one ParallelFor
  Mutex mutex_;
  CondVar work_ready_;
  CondVar work_done_;
  const std::function<void(int, int)>* task_ GUARDED_BY(mutex_) = nullptr;
  int next_ GUARDED_BY(mutex_) = 0;
  int count_ GUARDED_BY(mutex_) = 0;
  int running_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> workers_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_THREAD_POOL_H_
