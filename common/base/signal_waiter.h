// SIGINT, SIGTERM or others as a call on an ordinary thread.
#ifndef FEDGAP_COMMON_BASE_SIGNAL_WAITER_H_
#define FEDGAP_COMMON_BASE_SIGNAL_WAITER_H_

#include <csignal>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/mutex.h"

namespace fedgap {

// "interrupted (SIGINT)": why something ended that a signal ended.
std::string DescribeInterruption(int signal);

// Blocks the signals (SIGINT and SIGTERM) for the calling thread and those it
// starts later, and calls `on_signal` (with the signal's number) on a thread of
// its own for the first one that comes. A second one ends the process at once
// with status 128 + signal, for the person who cannot wait. Make it in main,
// before any other thread. Thread-safe.
class SignalWaiter {
 public:
  explicit SignalWaiter(std::function<void(int)> on_signal,
                        const std::vector<int>& signals = {SIGINT, SIGTERM});
  SignalWaiter() : SignalWaiter([](int) {}) {}
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

  // `target` is called for the first signal too, after `on_signal`: when it
  // comes, or at once, in this thread, if it came before. One target at a
  // time; it must not call Attach or Detach.
  void Attach(std::function<void(int)> target) EXCLUDES(mutex_);
  // Waits for a call of the target that is under way; none comes later, so
  // what it uses may go. A second signal still ends the process.
  void Detach() EXCLUDES(mutex_);
  // The number of the first signal; 0: none came.
  int signalled() const EXCLUDES(mutex_);

 private:
  void Wait();
  void Tell(int signal) EXCLUDES(mutex_);

  std::function<void(int)> on_signal_;
  mutable Mutex mutex_;  // held during calls of the target
  std::function<void(int)> target_ GUARDED_BY(mutex_);
  int signalled_ GUARDED_BY(mutex_) = 0;
  int wake_fd_;
  int signal_fd_;
  std::thread thread_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_SIGNAL_WAITER_H_
