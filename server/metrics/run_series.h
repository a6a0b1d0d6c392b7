// The metrics of a run, and what an event changes in them.
#ifndef FEDGAP_SERVER_METRICS_RUN_SERIES_H_
#define FEDGAP_SERVER_METRICS_RUN_SERIES_H_

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/federation/ids.h"
#include "common/federation/metrics.h"
#include "common/telemetry/events.h"

namespace fedgap {

// The gauges of one family that differ in the label `group` alone.
class GroupGauges {
 public:
  GroupGauges(prometheus::Family<prometheus::Gauge>& family,
              prometheus::Labels others)
      : family_(family), others_(std::move(others)) {}

  // A value for each group; groups that are not named are shown no longer.
  void Show(const std::map<std::string, double>& values);

 private:
  prometheus::Family<prometheus::Gauge>& family_;
  const prometheus::Labels others_;
  std::map<std::string, prometheus::Gauge*> shown_;
};

// Names, units and labels are those of docs/DASHBOARD.md. Every label's values
// are bounded by the configuration or by the lists in the source: no client's
// name and no client's words become one. Not thread-safe.
class RunSeries {
 public:
  RunSeries();
  RunSeries(const RunSeries&) = delete;
  RunSeries& operator=(const RunSeries&) = delete;

  // The event happened at `time`. A commit that was taken before adds nothing
  // to the sums.
  void Take(const Event& event, Clock::WallTime time);

  // A call was refused at its begin, with this code of a status.
  void CountRefusedCall(const std::string& code);

  // Families without values are left out; in no order.
  std::vector<prometheus::MetricFamily> Collect() const;

 private:
  using Counters = prometheus::Family<prometheus::Counter>;
  using Gauges = prometheus::Family<prometheus::Gauge>;

  // How accurate a model is by the images of one side.
  struct AccuracyView {
    AccuracyView(RunSeries& series, const std::string& source);
    prometheus::Labels labels;
    GroupGauges accuracy;
    GroupGauges loss;
  };

  void On(const RunStartedEvent& event);
  void On(const ClientJoinedEvent& event);
  void On(const ClientLeftEvent& event);
  void On(const RoundStartedEvent& event);
  void On(const UpdateAcceptedEvent& event);
  void On(const UpdateRejectedEvent& event);
  void On(const RoundCommittedEvent& event);
  void On(const RoundAbortedEvent& event);
  void On(const FinalEvaluationEvent& event);
  void On(const RunFinishedEvent& event);
  void On(const WarningEvent& event);
  void On(const PauseEvent& event);
  // Those of simulations, which no server emits.
  void On(const SimulationStartedEvent&) {}
  void On(const VirtualRoundEvent&) {}

  void SetState(const std::string& state);
  // No round is open.
  void Rest();
  void SetConnected();
  void RaiseCommitted(Round round);
  void AddCosts(const RoundCommittedEvent& event);
  void ShowInfluence(const RoundCommittedEvent& event);
  void ShowAccuracy(AccuracyView& view, const std::vector<GroupMetrics>& groups,
                    const FairnessSummary& fairness);
  std::string Label(int group) const;

  prometheus::Counter& NewCounter(const std::string& name,
                                  const std::string& help);
  Counters& NewCounters(const std::string& name, const std::string& help);
  prometheus::Gauge& NewGauge(const std::string& name, const std::string& help);
  Gauges& NewGauges(const std::string& name, const std::string& help);
  prometheus::Histogram& NewHistogram(const std::string& name,
                                      const std::string& help,
                                      const std::vector<double>& bounds);

  prometheus::Registry registry_;  // owns what the members below refer to
  Gauges& info_;
  Gauges& state_;
  prometheus::Gauge& planned_;
  prometheus::Gauge& current_round_;
  prometheus::Counter& committed_;
  prometheus::Counter& aborted_;
  Counters& endings_;
  Gauges& last_commit_;
  prometheus::Histogram& round_seconds_;
  Counters& phase_seconds_;
  prometheus::Gauge& connected_;
  prometheus::Gauge& cohort_;
  Counters& joins_;
  Counters& leaves_;
  prometheus::Counter& accepted_;
  prometheus::Counter& clipped_;
  Counters& rejected_;
  Counters& refused_calls_;
  prometheus::Counter& received_bytes_;
  prometheus::Counter& sent_bytes_;
  prometheus::Histogram& update_norm_;
  prometheus::Histogram& training_seconds_;
  Gauges& training_loss_;
  Gauges& mean_accuracy_;
  Gauges& worst_accuracy_;
  Gauges& accuracy_gap_;
  Gauges& group_accuracy_;
  Gauges& group_loss_;
  GroupGauges influence_;
  GroupGauges pixel_influence_;
  prometheus::Counter& warnings_;
  AccuracyView server_view_;
  AccuracyView clients_view_;

  prometheus::Gauge* current_info_ = nullptr;
  std::vector<std::string> group_labels_;
  std::set<ClientName> known_;    // that ever joined
  std::set<ClientName> clients_;  // that are connected
  bool is_open_ = false;          // a round is
  bool is_paused_ = false;
  Round counted_ = 0;  // the last round whose costs are in the sums
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_METRICS_RUN_SERIES_H_
