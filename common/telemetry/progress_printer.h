// One line a round for the person who watches.
#ifndef FEDGAP_COMMON_TELEMETRY_PROGRESS_PRINTER_H_
#define FEDGAP_COMMON_TELEMETRY_PROGRESS_PRINTER_H_

#include <deque>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/telemetry/background_writer.h"
#include "common/telemetry/events.h"

namespace fedgap {

// Writes a line when a round is committed or aborted and when a client comes,
// goes or is refused. On a terminal the round that is collecting has a line of
// its own, written over (by \r) as updates arrive. Thread-safe; nobody waits
// for `write`, which a thread of its own calls.
//
//   round  3/24  6 clients  7.1 s  loss 0.812  accuracy 71.2 % (worst 60.3,
//   gap 20.1)  0.6 MB up  0.6 MB down  ETA 2 min 29 s         (one line)
class ProgressPrinter final : public EventSink {
 public:
  struct Options {
    bool terminal = false;  // whether lines may be written over
    // Also says who joined, left or was refused.
    bool clients = true;
  };
  using Write = BackgroundWriter::Write;
  // How the line of a WarningEvent begins.
  static constexpr std::string_view kWarning = "warning: ";

  // `clock` must outlive it.
  ProgressPrinter(const Clock& clock, Options options, Write write)
      : clock_(clock), options_(options), writer_(std::move(write)) {}

  void Emit(const Event& event) override EXCLUDES(mutex_);
  // Of what is on the disk; a terminal may stand still for hours.
  void Flush() override {}
  // Returns when all lines are written.
  void Drain() { writer_.Drain(); }
  // A line that is no event: what a run waits for.
  void Say(const std::string& text) EXCLUDES(mutex_);

 private:
  // A whole line; wipes the line that is being written over.
  void Line(const std::string& text) REQUIRES(mutex_);
  void LiveLine() REQUIRES(mutex_);
  void TakeClientEvent(const Event& event) REQUIRES(mutex_);
  void TakeRoundEvent(const Event& event) REQUIRES(mutex_);
  std::string RoundLine(const RoundCommittedEvent& event) REQUIRES(mutex_);
  std::string Eta(Round round) const REQUIRES(mutex_);

  const Clock& clock_;
  const Options options_;
  BackgroundWriter writer_;
  Mutex mutex_;
  int rounds_ GUARDED_BY(mutex_) = 0;
  Round round_ GUARDED_BY(mutex_) = 0;  // collecting; 0: none
  std::size_t cohort_ GUARDED_BY(mutex_) = 0;
  std::size_t received_ GUARDED_BY(mutex_) = 0;
  Clock::Time began_ GUARDED_BY(mutex_){};
  std::size_t live_width_ GUARDED_BY(mutex_) = 0;
  // Seconds of the last few rounds, for the ETA.
  std::deque<double> recent_ GUARDED_BY(mutex_);
};

// "47 s", "2 min 29 s", "3 h 12 min".
std::string HumanDuration(double seconds);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_PROGRESS_PRINTER_H_
