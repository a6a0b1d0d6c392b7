#include "common/base/signal_waiter.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

int OpenSignals(const std::vector<int>& signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  FEDGAP_CHECK(pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0);
  return ::signalfd(-1, &set, SFD_CLOEXEC);
}

}  // namespace

std::string DescribeInterruption(int signal) {
  const char* name = ::sigabbrev_np(signal);
  if (name == nullptr)
    return "interrupted (signal " + std::to_string(signal) + ")";
  return std::string("interrupted (SIG") + name + ")";
}

SignalWaiter::SignalWaiter(std::function<void(int)> on_signal,
                           const std::vector<int>& signals)
    : on_signal_(std::move(on_signal)),
      wake_fd_(::eventfd(0, EFD_CLOEXEC)),
      signal_fd_(OpenSignals(signals)) {
  FEDGAP_CHECK(wake_fd_ >= 0 && signal_fd_ >= 0);
  thread_ = std::thread([this] { Wait(); });
}

SignalWaiter::~SignalWaiter() {
  const std::uint64_t one = 1;
  FEDGAP_CHECK(::write(wake_fd_, &one, sizeof(one)) == sizeof(one));
  thread_.join();
  ::close(wake_fd_);
  ::close(signal_fd_);
}

void SignalWaiter::Attach(std::function<void(int)> target) {
  MutexLock lock(mutex_);
  target_ = std::move(target);
  if (signalled_ != 0) target_(signalled_);
}

void SignalWaiter::Detach() {
  MutexLock lock(mutex_);
  target_ = nullptr;
}

int SignalWaiter::signalled() const {
  MutexLock lock(mutex_);
  return signalled_;
}

void SignalWaiter::Tell(int signal) {
  on_signal_(signal);
  MutexLock lock(mutex_);
  signalled_ = signal;
  if (target_) target_(signal);
}

void SignalWaiter::Wait() {
  bool told = false;
  while (true) {
    std::array<pollfd, 2> ready = {pollfd{wake_fd_, POLLIN, 0},
                                   pollfd{signal_fd_, POLLIN, 0}};
    if (::poll(ready.data(), ready.size(), -1) < 0) {
      FEDGAP_CHECK(errno == EINTR);
      continue;
    }
    if (ready[0].revents != 0) return;
    signalfd_siginfo info{};
    if (::read(signal_fd_, &info, sizeof(info)) != sizeof(info)) continue;
    const int signal = static_cast<int>(info.ssi_signo);
    if (told) ::_exit(128 + signal);
    told = true;
    Tell(signal);
  }
}

}  // namespace fedgap
