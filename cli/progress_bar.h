// How far a long step is and when it will end, on a terminal.
#ifndef FEDGAP_CLI_PROGRESS_BAR_H_
#define FEDGAP_CLI_PROGRESS_BAR_H_

#include <cstdint>
#include <cstdio>
#include <string>

#include "common/base/clock.h"
#include "common/telemetry/event_follower.h"

namespace fedgap {

// One line, written over as the step goes on and wiped at its end:
//
//   reading runs/first  [#########...............]  38 %  ETA 4 s
//
// Nothing is written where `out` is no terminal or a dumb one, nor of a step
// that takes less than half a second; without colour where ShowsColour says so.
// Calls must not overlap.
class ProgressBar {
 public:
  // `step` in a few words; `total` in what Advance counts. `clock` and `out`
  // must outlive it.
  ProgressBar(const Clock& clock, std::FILE* out, const std::string& step,
              std::int64_t total);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // So much of the total is done.
  void Advance(std::int64_t done);

 private:
  const Clock& clock_;
  std::FILE* const out_;
  const std::string step_;
  const std::int64_t total_;
  const bool is_shown_;
  const bool colour_;
  const Clock::Time began_;
  Clock::Time next_;  // when the line may be written again
  bool is_drawn_ = false;
};

// follower.Read(take), with a bar on stderr.
Status ReadLog(EventFollower& follower, const EventFollower::Take& take);

}  // namespace fedgap

#endif  // FEDGAP_CLI_PROGRESS_BAR_H_
