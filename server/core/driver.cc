#include "server/core/driver.h"

#include <optional>

#include "common/base/mutex.h"

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

}  // namespace

Status DriveToEnd(Coordinator& coordinator) {
  // Shared with the wake-up, which another thread may be calling as this
  // function returns.
  const auto bell = std::make_shared<Bell>();
  coordinator.SetWakeUp([bell] { bell->Ring(); });
  Status status;
  while (true) {
    const StatusOr<std::optional<Clock::Time>> wake = coordinator.Advance();
    status = wake.status();
    if (!status.ok() || coordinator.finished()) break;
    bell->Wait(*wake);
  }
  coordinator.SetWakeUp(nullptr);
  return status;
}

}  // namespace fedgap
