// SIGINT and SIGTERM as a call on an ordinary thread.
#ifndef FEDGAP_COMMON_BASE_SIGNAL_WAITER_H_
#define FEDGAP_COMMON_BASE_SIGNAL_WAITER_H_

#include <functional>
#include <thread>

namespace fedgap {

// Blocks SIGINT and SIGTERM for the calling thread and those it starts later,
// and calls `on_signal` (with the signal's number) on a thread of its own for
// the first one that comes. A second one ends the process at once with status
// 128 + signal, for the person who cannot wait. Make it in main, before any
// other thread.
class SignalWaiter {
 public:
  explicit SignalWaiter(std::function<void(int)> on_signal);
  ~SignalWaiter();
  SignalWaiter(const SignalWaiter&) = delete;
  SignalWaiter& operator=(const SignalWaiter&) = delete;

 private:
  void Wait();

  std::function<void(int)> on_signal_;
  int wake_fd_;
  int signal_fd_;
  std::thread thread_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_SIGNAL_WAITER_H_
