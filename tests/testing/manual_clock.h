// A clock that stands still until a test moves it.
#ifndef FEDGAP_TESTS_TESTING_MANUAL_CLOCK_H_
#define FEDGAP_TESTS_TESTING_MANUAL_CLOCK_H_

#include "common/base/clock.h"
#include "common/base/mutex.h"

namespace fedgap {

class ManualClock final : public Clock {
 public:
  Time Now() const override {
    MutexLock lock(mutex_);
    return Time(elapsed_);
  }
  WallTime WallNow() const override {
    MutexLock lock(mutex_);
    return WallTime(std::chrono::duration_cast<WallTime::duration>(elapsed_));
  }
  void Advance(Duration duration) {
    MutexLock lock(mutex_);
    elapsed_ += duration;
  }

 private:
  mutable Mutex mutex_;
  Duration elapsed_ GUARDED_BY(mutex_) = std::chrono::hours(1);
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_MANUAL_CLOCK_H_
