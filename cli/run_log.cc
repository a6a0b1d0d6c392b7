#include "cli/run_log.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "cli/progress_bar.h"
#include "common/telemetry/report_builder.h"

namespace fedgap {

namespace fs = std::filesystem;

StatusOr<RunLog> ReadRunLog(const fs::path& log) {
  FEDGAP_ASSIGN_OR_RETURN(EventFollower follower, EventFollower::Open(log));
  RunLog run;
  ReportBuilder builder;
  bool is_started = false;
  FEDGAP_RETURN_IF_ERROR(
      ReadLog(follower, [&](const EventFollower::Line& line) {
        if (line.event == nullptr) return;
        const LoggedEvent& logged = *line.event;
        builder.Emit(logged.event);
        if (run.started == Clock::WallTime{}) run.started = logged.header.time;
        run.last = logged.header.time;
        const auto* started = std::get_if<RunStartedEvent>(&logged.event);
        if (started == nullptr) return;
        is_started = true;
        run.config_toml = started->config_toml;
      }));
  if (!is_started) {
    return absl::NotFoundError(
        fmt::format("{} has no run_started event: the run has not begun, or "
                    "this is not the first part of its log",
                    follower.path().string()));
  }
  run.report = builder.Report();
  run.damage = follower.damage();
  return run;
}

std::string Describe(const EventLogDamage& damage) {
  std::string text;
  const auto add = [&text](const std::string& what) {
    text += (text.empty() ? "" : "; ") + what;
  };
  if (damage.bad_lines > 0) {
    const EventLogDamage::Line& first = damage.first.front();
    add(fmt::format("{} lines cannot be read (first: {} line {}: {})",
                    damage.bad_lines, first.file, first.line, first.what));
  }
  if (damage.missing_lines > 0) {
    add(fmt::format("{} lines are missing", damage.missing_lines));
  }
  if (damage.half_line_bytes > 0) {
    add(fmt::format("it ends in half a line ({} bytes)",
                    damage.half_line_bytes));
  }
  return text;
}

}  // namespace fedgap
