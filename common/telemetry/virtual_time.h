// How long a simulated run would have taken.
#ifndef FEDGAP_COMMON_TELEMETRY_VIRTUAL_TIME_H_
#define FEDGAP_COMMON_TELEMETRY_VIRTUAL_TIME_H_

#include "common/telemetry/events.h"

namespace fedgap {

// Adds up a run's virtual rounds: all attempts at those that were committed,
// and so far those at the open one. A program that continues a run draws the
// open round again from its first attempt; each counts once. Not thread-safe.
class VirtualTime {
 public:
  void Take(const VirtualRoundEvent& event) {
    if (event.round <= committed_) return;
    open_ = event.round;
    open_seconds_ += event.seconds;
  }
  // A commit that a crash kept from the log comes after the start.
  void Take(const RunStartedEvent& event) {
    if (open_ > event.last_committed) open_seconds_ = 0;
  }
  void Take(const RoundCommittedEvent& event) {
    if (event.round <= committed_) return;
    committed_ = event.round;
    committed_seconds_ += open_seconds_;
    open_seconds_ = 0;
  }
  double seconds() const { return committed_seconds_ + open_seconds_; }

 private:
  Round committed_ = 0;
  Round open_ = 0;
  double committed_seconds_ = 0;
  double open_seconds_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_VIRTUAL_TIME_H_
