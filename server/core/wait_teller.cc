#include "server/core/wait_teller.h"

namespace fedgap {

std::string WaitTeller::Tell(const std::string& wait, Clock::Time now) {
  if (wait.empty()) {
    told_.clear();
    next_.reset();
    return "";
  }
  const Clock::Time due =
      told_.empty() ? now : told_at_ + (wait == told_ ? kAgain : kChanged);
  if (now < due) {
    next_ = due;
    return "";
  }
  told_ = wait;
  told_at_ = now;
  next_ = now + kAgain;
  return wait;
}

}  // namespace fedgap
