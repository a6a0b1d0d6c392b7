// A run as its directory shows it, to the commands that look at runs.
#ifndef FEDGAP_CLI_RUN_LOG_H_
#define FEDGAP_CLI_RUN_LOG_H_

#include <filesystem>
#include <string>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/telemetry/event_follower.h"
#include "common/telemetry/report.h"

namespace fedgap {

struct RunLog {
  RunReport report;
  Clock::WallTime started{};  // of its first event
  Clock::WallTime last{};     // of its last
  std::string config_toml;    // as it took effect
  EventLogDamage damage;
};

// Reads the log of a run, its directory or one file; errors of EventFollower,
// and NOT_FOUND for a log without a run_started event.
StatusOr<RunLog> ReadRunLog(const std::filesystem::path& log);

// What of the log could not be read, in a sentence; "" if nothing.
std::string Describe(const EventLogDamage& damage);

}  // namespace fedgap

#endif  // FEDGAP_CLI_RUN_LOG_H_
