// Makes the report of a run from its events.
#ifndef FEDGAP_COMMON_TELEMETRY_REPORT_BUILDER_H_
#define FEDGAP_COMMON_TELEMETRY_REPORT_BUILDER_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/mutex.h"
#include "common/telemetry/events.h"
#include "common/telemetry/report.h"
#include "common/telemetry/virtual_time.h"

namespace fedgap {

// Observes events and yields the report of what it has seen at any time. After
// a restart, feed it the log first (ReadEvents), so that the report covers the
// whole run: a round is counted once, however often it is seen. Thread-safe.
class ReportBuilder final : public EventSink {
 public:
  void Emit(const Event& event) override EXCLUDES(mutex_);
  void Flush() override {}

  RunReport Report() const EXCLUDES(mutex_);

 private:
  struct Roster {
    std::int64_t clients = 0;
    std::string digest;
    bool operator==(const Roster&) const = default;
  };
  struct GroupTotals {
    double influence = 0;
    double pixel_influence = 0;
  };

  void Take(const RunStartedEvent& event) REQUIRES(mutex_);
  void Take(const SimulationStartedEvent& event) REQUIRES(mutex_);
  void Take(const VirtualRoundEvent& event) REQUIRES(mutex_);
  void Take(const ClientJoinedEvent& event) REQUIRES(mutex_);
  void Take(const RoundStartedEvent& event) REQUIRES(mutex_);
  void Take(const UpdateAcceptedEvent& event) REQUIRES(mutex_);
  void Take(const UpdateRejectedEvent& event) REQUIRES(mutex_);
  void Take(const RoundCommittedEvent& event) REQUIRES(mutex_);
  void Take(const RoundAbortedEvent& event) REQUIRES(mutex_);
  // The clients' look at the model after `round`, if that is the last in the
  // history.
  void NoteHeldOut(Round round, const std::vector<GroupMetrics>& metrics)
      REQUIRES(mutex_);
  void Take(const FinalEvaluationEvent& event) REQUIRES(mutex_);
  void Take(const RunFinishedEvent& event) REQUIRES(mutex_);
  void Take(const WarningEvent& event) REQUIRES(mutex_);
  void Take(const PauseEvent&) REQUIRES(mutex_) {}

  // The first reason why another run may end in other bits.
  void Replayable(std::string reason) REQUIRES(mutex_);
  void CheckRoster(const RoundCommittedEvent& event) REQUIRES(mutex_);
  std::string Label(int group) const REQUIRES(mutex_);
  std::vector<GroupReport> Groups(
      const std::vector<GroupMetrics>& metrics,
      const std::vector<GroupMetrics>& prototypes) const REQUIRES(mutex_);
  void AddTraining(std::vector<GroupReport>& groups) const REQUIRES(mutex_);
  void AddAccuracy(RunReport& report) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  // The parts that need no more than counting.
  RunReport report_ GUARDED_BY(mutex_);
  VirtualTime virtual_time_ GUARDED_BY(mutex_);
  std::vector<std::string> labels_ GUARDED_BY(mutex_);
  // Simulated clients; 0: the run has real ones.
  std::int64_t simulated_ GUARDED_BY(mutex_) = 0;
  std::set<ClientName> known_ GUARDED_BY(mutex_);
  // The clients that the cohort of round `began_` was drawn from, and that of
  // the first committed one.
  Round began_ GUARDED_BY(mutex_) = 0;
  Roster roster_ GUARDED_BY(mutex_);
  std::optional<Roster> first_roster_ GUARDED_BY(mutex_);
  std::map<ClientName, std::vector<GroupCounts>> counts_ GUARDED_BY(mutex_);
  std::map<int, GroupTotals> totals_ GUARDED_BY(mutex_);
  std::optional<ServerEvaluation> evaluation_ GUARDED_BY(mutex_);
  Round evaluated_ GUARDED_BY(mutex_) = 0;  // the round of evaluation_
  std::vector<GroupMetrics> client_held_out_ GUARDED_BY(mutex_);
  bool final_held_out_ GUARDED_BY(mutex_) = false;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_REPORT_BUILDER_H_
