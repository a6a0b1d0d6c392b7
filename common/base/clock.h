// Time is passed in, so that every rule about it is tested without sleeping.
#ifndef FEDGAP_COMMON_BASE_CLOCK_H_
#define FEDGAP_COMMON_BASE_CLOCK_H_

#include <chrono>

namespace fedgap {

// Thread-safe. Implementations: SystemClock; ManualClock in tests/testing.
class Clock {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  using WallTime = std::chrono::system_clock::time_point;

  virtual ~Clock() = default;

  // Monotonic; for durations and deadlines.
  virtual Time Now() const = 0;
  // The date and time of day; only ever written down, never decided upon.
  virtual WallTime WallNow() const = 0;
};

class SystemClock final : public Clock {
 public:
  Time Now() const override { return std::chrono::steady_clock::now(); }
  WallTime WallNow() const override { return std::chrono::system_clock::now(); }
};

// Seconds as a double, for logs and reports.
inline double ToSeconds(Clock::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_CLOCK_H_
