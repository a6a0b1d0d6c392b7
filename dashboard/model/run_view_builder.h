// Folds a run's events, as they come, into what the dashboard shows.
#ifndef FEDGAP_DASHBOARD_MODEL_RUN_VIEW_BUILDER_H_
#define FEDGAP_DASHBOARD_MODEL_RUN_VIEW_BUILDER_H_

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/telemetry/event_json.h"
#include "common/telemetry/virtual_time.h"
#include "dashboard/model/run_view.h"

namespace fedgap {

// Memory: a few hundred bytes a committed round, at most 200,000 points of
// clients' histories, and the newest events. What an attempt that was not
// committed said of updates is dropped with it. One thread at a time.
class RunViewBuilder {
 public:
  // Of each level, so many of the newest events are kept.
  static constexpr std::size_t kEventsKept = 2000;

  // `line` is the event's line in the log; both are copied.
  void Take(const LoggedEvent& logged, std::string_view line);

  const RunView& view() const { return view_; }
  // The newest events, ascending by seq: those after `after`.
  std::vector<EventRow> Events(std::uint64_t after = 0) const;
  // Of how many events Events() can show only a part.
  std::int64_t events_seen() const { return events_seen_; }

 private:
  // The newest lines of one level, written over in turn: a line is taken apart
  // only when it is shown.
  struct LineRing {
    std::vector<std::string> lines;
    std::size_t next = 0;
  };

  void Fold(const RunStartedEvent& event);
  void Fold(const SimulationStartedEvent& event);
  void Fold(const VirtualRoundEvent& event);
  void Fold(const ClientJoinedEvent& event);
  void Fold(const ClientLeftEvent& event);
  void Fold(const RoundStartedEvent& event);
  void Fold(const UpdateAcceptedEvent& event);
  void Fold(const UpdateRejectedEvent& event);
  void Fold(const RoundCommittedEvent& event);
  void Fold(const RoundAbortedEvent& event);
  void Fold(const FinalEvaluationEvent& event);
  void Fold(const RunFinishedEvent& event);
  void Fold(const WarningEvent& event);
  void Fold(const PauseEvent& event);

  // Of an accepted update what is kept until its round is committed.
  struct PendingUpdate {
    UpdatePoint point;
    std::vector<int> groups;
    std::int64_t samples = 0;
  };

  // Null once there are kMaxClients others.
  ClientView* Touch(const std::string& name);
  // What clients measured of the model of the newest round.
  void AddHeldOut(const std::vector<GroupMetrics>& parts);
  void Count(const std::string& client, PendingUpdate& update);
  RoundSeconds Split(const PhaseSeconds& phases) const;
  void Forget(Round after);

  RunView view_;
  VirtualTime virtual_time_;
  std::unordered_map<std::string, std::size_t> index_;  // into view_.clients
  // Updates of the attempt that is open.
  std::unordered_map<std::string, PendingUpdate> pending_;
  int attempts_ = 0;  // at the open round
  int rejected_ = 0;  // in it
  double learning_rate_ = 0;
  Clock::WallTime now_{};
  std::array<LineRing, 3> rings_;  // by EventLevel
  std::int64_t events_seen_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_MODEL_RUN_VIEW_BUILDER_H_
