#include "sim/recorded_rounds.h"

#include <fmt/format.h>

#include <variant>

#include "common/telemetry/event_reader.h"
#include "server/store/run_directory.h"
#include "server/store/run_inspection.h"

namespace fedgap {
namespace {

Status Take(const RoundCommittedEvent& event, RecordedRounds& recorded) {
  const auto known = static_cast<Round>(recorded.rounds.size());
  if (event.round == known + 1) {
    recorded.rounds.push_back({event.contributors, event.model});
    return absl::OkStatus();
  }
  if (event.round > known) {
    return absl::DataLossError(fmt::format("round {} is missing: {} follows {}",
                                           known + 1, event.round, known));
  }
  // Said again after a restart.
  const auto at = static_cast<std::size_t>(event.round - 1);
  if (event.round >= 1 && recorded.rounds[at].model == event.model) {
    return absl::OkStatus();
  }
  return absl::DataLossError(fmt::format(
      "round {} was committed twice, with two models", event.round));
}

}  // namespace

StatusOr<RecordedRounds> ReadRecordedRounds(
    const std::filesystem::path& directory) {
  RecordedRounds recorded;
  // Before the log, which has no fewer rounds then.
  const auto held = FindHeldRun(directory);
  recorded.finished = held.ok() && !held->finished.empty();
  bool started = false;
  Status status;
  const auto take = [&](const LoggedEvent& logged) {
    if (!logged.known || !status.ok()) return;
    if (const auto* e = std::get_if<RunStartedEvent>(&logged.event)) {
      if (!started) recorded.initial = e->initial_model;
      started = true;
    }
    if (const auto* e = std::get_if<RoundCommittedEvent>(&logged.event)) {
      status = Take(*e, recorded);
    }
  };
  const auto log = RunDirectory{directory}.events();
  FEDGAP_RETURN_IF_ERROR(ReadEvents(log, take));
  FEDGAP_RETURN_IF_ERROR(Annotate(status, log.string()));
  if (!started || recorded.rounds.empty()) {
    return absl::NotFoundError(
        fmt::format("{} holds no committed round", log.string()));
  }
  return recorded;
}

}  // namespace fedgap
