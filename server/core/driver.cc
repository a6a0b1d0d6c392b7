#include "server/core/driver.h"

#include <algorithm>
#include <optional>

#include "common/base/mutex.h"
#include "server/core/wait_teller.h"

namespace fedgap {
namespace {

// A flag to wait on.
class Bell {
 public:
  void Ring() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    rung_ = true;
    changed_.NotifyOne();
  }
  void Wait(std::optional<Clock::Time> until) EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    while (!rung_) {
      if (!until.has_value()) {
        changed_.Wait(mutex_);
      } else if (!changed_.WaitUntil(mutex_, *until)) {
        break;
      }
    }
    rung_ = false;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool rung_ GUARDED_BY(mutex_) = false;
};

std::optional<Clock::Time> Earlier(std::optional<Clock::Time> a,
                                   std::optional<Clock::Time> b) {
  if (a.has_value() && b.has_value()) return std::min(*a, *b);
  return a.has_value() ? a : b;
}

}  // namespace

Status DriveToEnd(Coordinator& coordinator,
                  const std::function<void(const std::string&)>& say) {
  // Shared with the wake-up, which another thread may be calling as this
  // function returns.
  const auto bell = std::make_shared<Bell>();
  coordinator.SetWakeUp([bell] { bell->Ring(); });
  const SystemClock clock;
  WaitTeller teller;
  Status status;
  while (true) {
    const StatusOr<std::optional<Clock::Time>> wake = coordinator.Advance();
    status = wake.status();
    if (!status.ok() || coordinator.finished()) break;
    const std::string wait = teller.Tell(coordinator.WaitsFor(), clock.Now());
    if (say != nullptr && !wait.empty()) say(wait);
    bell->Wait(Earlier(*wake, teller.next()));
  }
  coordinator.SetWakeUp(nullptr);
  return status;
}

void WaitUntilToldOf(Coordinator& coordinator, Clock::Duration patience) {
  const auto bell = std::make_shared<Bell>();
  coordinator.SetWakeUp([bell] { bell->Ring(); });
  while (const auto until = coordinator.UntoldUntil(patience)) {
    bell->Wait(until);
  }
  coordinator.SetWakeUp(nullptr);
}

}  // namespace fedgap
