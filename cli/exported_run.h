// A run as `fedgap export` writes it down, read from its event log alone.
#ifndef FEDGAP_CLI_EXPORTED_RUN_H_
#define FEDGAP_CLI_EXPORTED_RUN_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/telemetry/event_follower.h"
#include "dashboard/model/run_view_builder.h"

namespace fedgap {

// One number of a round. docs/EXPORT.md has every metric.
struct CurvePoint {
  std::string_view metric;  // "accuracy/mean"; of a group "accuracy"
  std::string group;        // its label; "" where it is of no group
  double value = 0;         // finite
};

// Memory: that of RunViewBuilder; the log may hold any number of updates. One
// thread at a time.
class ExportedRun {
 public:
  // An update that counts, and its client's share of the round's weight.
  using TakeUpdate =
      std::function<void(const UpdateAcceptedEvent& update, double influence)>;

  // The log as far as it goes: a run's directory, its events/ or one file.
  // Errors of EventFollower.
  static StatusOr<ExportedRun> Read(const std::filesystem::path& log);

  const RunView& view() const { return builder_.view(); }
  // "running", how it ended, or "interrupted" where no program holds the run's
  // directory.
  std::string State() const;
  const EventLogDamage& damage() const { return damage_; }
  std::string GroupLabel(int group) const;

  // What was measured in the round, in a fixed order of metrics.
  std::vector<CurvePoint> PointsOf(const RoundView& round) const;

  // Reads the log a second time, as far as the first. Takes each accepted
  // update of a committed round, by round and client, but of the attempt that
  // counts only. Errors of EventFollower.
  Status ForEachUpdate(const TakeUpdate& take) const;

 private:
  explicit ExportedRun(std::filesystem::path log) : log_(std::move(log)) {}
  // Line `line` of the log.
  void Note(const Event& event, std::int64_t line);

  std::filesystem::path log_;
  RunViewBuilder builder_;
  // The line that committed each round: a restart may run the newest again.
  std::map<Round, std::int64_t> commits_;
  std::int64_t lines_ = 0;  // that were read
  EventLogDamage damage_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLI_EXPORTED_RUN_H_
