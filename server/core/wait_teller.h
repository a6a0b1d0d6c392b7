// When the operator is told what a run waits for.
#ifndef FEDGAP_SERVER_CORE_WAIT_TELLER_H_
#define FEDGAP_SERVER_CORE_WAIT_TELLER_H_

#include <chrono>
#include <optional>
#include <string>

#include "common/base/clock.h"

namespace fedgap {

// A wait is told at once when it begins, and again each minute that it lasts.
// Another wait than the last one told (one more client is here) is told 5 s
// after that, so that a hundred clients who come together make one line.
// Reads no clock; not thread-safe.
class WaitTeller {
 public:
  static constexpr std::chrono::seconds kAgain{60};
  static constexpr std::chrono::seconds kChanged{5};

  // What to say `now` about `wait`, the words of Coordinator::WaitsFor;
  // empty: nothing.
  std::string Tell(const std::string& wait, Clock::Time now);

  // When to ask again though nothing has happened; nullopt: no need.
  std::optional<Clock::Time> next() const { return next_; }

 private:
  std::string told_;  // empty: the run was at work
  Clock::Time told_at_{};
  std::optional<Clock::Time> next_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_WAIT_TELLER_H_
