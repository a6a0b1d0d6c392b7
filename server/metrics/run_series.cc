#include "server/metrics/run_series.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>
#include <utility>
#include <variant>

namespace fedgap {
namespace {

using prometheus::Labels;

constexpr const char* kOther = "other";
constexpr std::array<const char*, 5> kStates = {"waiting", "paused", "running",
                                                "interrupted", "finished"};
constexpr std::array<const char*, 4> kEndings = {"complete", "over_selection",
                                                 "deadline", "departures"};
// absl's, as far as a client's part in a round can end with them.
constexpr std::array<const char*, 9> kCodes = {
    "INVALID_ARGUMENT",   "UNIMPLEMENTED",     "FAILED_PRECONDITION",
    "RESOURCE_EXHAUSTED", "DATA_LOSS",         "ALREADY_EXISTS",
    "NOT_FOUND",          "PERMISSION_DENIED", "OUT_OF_RANGE"};
// Those with which a call is refused at its begin.
constexpr std::array<const char*, 4> kRefusals = {
    "UNAUTHENTICATED", "PERMISSION_DENIED", "INVALID_ARGUMENT",
    "RESOURCE_EXHAUSTED"};
// What is said of a leaving client -> the label.
constexpr std::array<std::pair<const char*, const char*>, 5> kLeaves = {
    {{"left", "left"},
     {"stopped", "stopped"},
     {"expelled", "expelled"},
     {"connection lost", "connection_lost"},
     {"did not open its stream of tasks again", "stream_not_reopened"}}};
constexpr std::array<std::pair<const char*, double PhaseSeconds::*>, 5>
    kPhases = {{{"select", &PhaseSeconds::select},
                {"collect", &PhaseSeconds::collect},
                {"aggregate", &PhaseSeconds::aggregate},
                {"evaluate", &PhaseSeconds::evaluate},
                {"commit", &PhaseSeconds::commit}}};

// From 0.05 s to about three hours.
const std::vector<double>& SecondsBounds() {
  static const std::vector<double> bounds = {0.05, 0.1,  0.25, 0.5,  1,    2.5,
                                             5,    10,   25,   50,   100,  250,
                                             500,  1000, 2500, 5000, 10000};
  return bounds;
}
const std::vector<double>& NormBounds() {
  static const std::vector<double> bounds = {
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
      0.5,   1,      2.5,   5,    10,    25,   50,  100};
  return bounds;
}

template <std::size_t kSize>
std::string OneOf(const std::array<const char*, kSize>& known,
                  std::string_view value) {
  return std::ranges::find(known, value) == known.end() ? kOther
                                                        : std::string(value);
}

std::string LeaveLabel(std::string_view reason) {
  // Behind a colon stands why.
  reason = reason.substr(0, reason.find(':'));
  for (const auto& [said, label] : kLeaves) {
    if (reason == said) return label;
  }
  return kOther;
}

// A counter that is there from the start, so that its first step is seen.
void Begin(prometheus::Family<prometheus::Counter>& family, const char* label,
           const char* value) {
  family.Add({{label, value}});
}

}  // namespace

void GroupGauges::Show(const std::map<std::string, double>& values) {
  std::erase_if(shown_, [&](const auto& shown) {
    if (values.contains(shown.first)) return false;
    family_.Remove(shown.second);
    return true;
  });
  for (const auto& [group, value] : values) {
    prometheus::Gauge*& gauge = shown_[group];
    if (gauge == nullptr) {
      Labels labels = others_;
      labels["group"] = group;
      gauge = &family_.Add(labels);
    }
    gauge->Set(value);
  }
}

RunSeries::AccuracyView::AccuracyView(RunSeries& series,
                                      const std::string& source)
    : labels{{"source", source}},
      accuracy(series.group_accuracy_, labels),
      loss(series.group_loss_, labels) {}

RunSeries::RunSeries()
    : info_(NewGauges("fedgap_run_info",
                      "Always 1; the labels say which run this is and which "
                      "software runs it")),
      state_(NewGauges("fedgap_run_state",
                       "1 for the state that the run is in: waiting (no round "
                       "is open), paused (by an operator: none will be), "
                       "running (one is), interrupted (to be gone on with), "
                       "finished")),
      planned_(NewGauge("fedgap_rounds_planned",
                        "Rounds after which the run ends by itself")),
      current_round_(
          NewGauge("fedgap_current_round", "The round that was begun last")),
      committed_(NewCounter("fedgap_rounds_committed_total",
                            "Rounds of the run whose model is on the disk")),
      aborted_(NewCounter("fedgap_rounds_aborted_total",
                          "Attempts at a round that were given up")),
      endings_(NewCounters("fedgap_round_endings_total",
                           "Committed rounds by what ended them")),
      last_commit_(NewGauges("fedgap_last_commit_timestamp_seconds",
                             "When the last round was committed, since 1970")),
      round_seconds_(NewHistogram(
          "fedgap_round_duration_seconds",
          "From the selection of a cohort to the commit", SecondsBounds())),
      phase_seconds_(NewCounters("fedgap_round_phase_seconds_total",
                                 "Time of committed rounds by phase")),
      connected_(
          NewGauge("fedgap_clients_connected", "Clients that are connected")),
      cohort_(NewGauge("fedgap_cohort_clients",
                       "Clients selected for the round that was begun last")),
      joins_(NewCounters("fedgap_client_joins_total",
                         "Joins by whether the client was here before")),
      leaves_(NewCounters("fedgap_client_leaves_total",
                          "Leaves by what the client or the server said")),
      accepted_(NewCounter("fedgap_updates_accepted_total",
                           "Updates taken in, those of aborted attempts too")),
      clipped_(NewCounter("fedgap_updates_clipped_total",
                          "Accepted updates scaled down to the allowed norm")),
      rejected_(NewCounters("fedgap_updates_rejected_total",
                            "Updates refused or declined, by status code")),
      refused_calls_(NewCounters("fedgap_refused_calls_total",
                                 "Calls that were refused at their begin since "
                                 "the server's start, by status code")),
      received_bytes_(NewCounter("fedgap_received_bytes_total",
                                 "Bytes from clients in committed rounds")),
      sent_bytes_(NewCounter("fedgap_sent_bytes_total",
                             "Bytes to clients in committed rounds")),
      update_norm_(NewHistogram("fedgap_update_norm",
                                "Euclidean norm of accepted updates' deltas",
                                NormBounds())),
      training_seconds_(NewHistogram(
          "fedgap_client_training_seconds",
          "Local training of accepted updates, as the client measured it",
          SecondsBounds())),
      training_loss_(NewGauges("fedgap_training_loss",
                               "Mean cross-entropy (nats) over the local steps "
                               "of the last committed round")),
      mean_accuracy_(NewGauges("fedgap_accuracy_mean_ratio",
                               "Accuracy, the mean over resolution groups")),
      worst_accuracy_(NewGauges("fedgap_accuracy_worst_ratio",
                                "Accuracy of the worst resolution group")),
      accuracy_gap_(NewGauges("fedgap_accuracy_gap_ratio",
                              "Accuracy of the best less that of the worst "
                              "resolution group")),
      group_accuracy_(NewGauges("fedgap_group_accuracy_ratio",
                                "Accuracy of a resolution group")),
      group_loss_(NewGauges("fedgap_group_loss",
                            "Mean cross-entropy (nats) of a resolution group")),
      influence_(NewGauges("fedgap_group_influence_ratio",
                           "Share of a resolution group in the weight of the "
                           "last committed round"),
                 {}),
      pixel_influence_(NewGauges("fedgap_group_pixel_influence_ratio",
                                 "The share that weighting by pixels would "
                                 "have given the resolution group"),
                       {}),
      warnings_(NewCounter("fedgap_warnings_total",
                           "Warnings in the run's event log")),
      server_view_(*this, "server"),
      clients_view_(*this, "clients") {
  for (const char* state : kStates) state_.Add({{"state", state}});
  for (const char* code : kCodes) Begin(rejected_, "code", code);
  Begin(rejected_, "code", kOther);
  for (const char* code : kRefusals) Begin(refused_calls_, "code", code);
  Begin(refused_calls_, "code", kOther);
  for (const char* ending : kEndings) Begin(endings_, "ending", ending);
  Begin(endings_, "ending", kOther);
  for (const auto& [said, label] : kLeaves) Begin(leaves_, "reason", label);
  Begin(leaves_, "reason", kOther);
  Begin(joins_, "kind", "new");
  Begin(joins_, "kind", "returned");
  for (const auto& [phase, seconds] : kPhases) {
    Begin(phase_seconds_, "phase", phase);
  }
}

void RunSeries::Take(const Event& event, Clock::WallTime time) {
  std::visit([this](const auto& e) { On(e); }, event);
  if (std::holds_alternative<RoundCommittedEvent>(event)) {
    last_commit_.Add({}).Set(
        std::chrono::duration<double>(time.time_since_epoch()).count());
  }
}

void RunSeries::CountRefusedCall(const std::string& code) {
  refused_calls_.Add({{"code", OneOf(kRefusals, code)}}).Increment();
}

std::vector<prometheus::MetricFamily> RunSeries::Collect() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  std::erase_if(families, [](const auto& f) { return f.metric.empty(); });
  return families;
}

void RunSeries::On(const RunStartedEvent& event) {
  if (current_info_ != nullptr) info_.Remove(current_info_);
  current_info_ = &info_.Add({{"run", event.run.value},
                              {"name", event.name},
                              {"model", event.model},
                              {"version", event.software}});
  current_info_->Set(1);
  planned_.Set(event.rounds);
  group_labels_ = event.group_labels;
  // What was true of the server before a restart.
  clients_.clear();
  is_paused_ = false;
  SetConnected();
  Rest();
  // Rounds that were lost are run again, and cost again.
  counted_ = std::min(counted_, event.last_committed);
  RaiseCommitted(event.last_committed);
  current_round_.Set(static_cast<double>(event.last_committed));
}

void RunSeries::On(const ClientJoinedEvent& event) {
  const bool is_new = known_.insert(event.client).second && !event.returned;
  joins_.Add({{"kind", is_new ? "new" : "returned"}}).Increment();
  clients_.insert(event.client);
  SetConnected();
}

void RunSeries::On(const ClientLeftEvent& event) {
  leaves_.Add({{"reason", LeaveLabel(event.reason)}}).Increment();
  clients_.erase(event.client);
  SetConnected();
}

void RunSeries::On(const RoundStartedEvent& event) {
  current_round_.Set(static_cast<double>(event.round));
  cohort_.Set(static_cast<double>(event.cohort.size()));
  is_open_ = true;
  SetState("running");
}

void RunSeries::On(const UpdateAcceptedEvent& event) {
  accepted_.Increment();
  if (event.clipped) clipped_.Increment();
  update_norm_.Observe(event.norm);
  training_seconds_.Observe(event.train_seconds);
}

void RunSeries::On(const UpdateRejectedEvent& event) {
  rejected_.Add({{"code", OneOf(kCodes, event.code)}}).Increment();
}

void RunSeries::On(const RoundCommittedEvent& event) {
  Rest();
  current_round_.Set(static_cast<double>(event.round));
  RaiseCommitted(event.round);
  if (event.training.count > 0) {
    training_loss_.Add({}).Set(event.training.loss());
  }
  ShowInfluence(event);
  if (event.evaluated) {
    ShowAccuracy(server_view_, event.evaluation.groups,
                 event.evaluation.fairness);
  }
  ShowAccuracy(clients_view_, event.client_held_out,
               Summarize(event.client_held_out));
  if (event.round > counted_) AddCosts(event);
  counted_ = std::max(counted_, event.round);
}

void RunSeries::On(const RoundAbortedEvent&) {
  aborted_.Increment();
  Rest();
}

void RunSeries::On(const FinalEvaluationEvent& event) {
  ShowAccuracy(clients_view_, event.client_held_out,
               Summarize(event.client_held_out));
}

void RunSeries::On(const RunFinishedEvent& event) {
  SetState(WasInterrupted(event.reason) ? "interrupted" : "finished");
  clients_.clear();  // nobody's going is told any more
  SetConnected();
}

void RunSeries::On(const WarningEvent&) { warnings_.Increment(); }

void RunSeries::On(const PauseEvent& event) {
  is_paused_ = event.paused;
  if (!is_open_) Rest();
}

void RunSeries::Rest() {
  is_open_ = false;
  SetState(is_paused_ ? "paused" : "waiting");
}

void RunSeries::SetState(const std::string& state) {
  for (const char* one : kStates) {
    state_.Add({{"state", one}}).Set(one == state ? 1 : 0);
  }
}

void RunSeries::SetConnected() {
  connected_.Set(static_cast<double>(clients_.size()));
}

void RunSeries::RaiseCommitted(Round round) {
  const double more = static_cast<double>(round) - committed_.Value();
  if (more > 0) committed_.Increment(more);
}

void RunSeries::AddCosts(const RoundCommittedEvent& event) {
  endings_.Add({{"ending", OneOf(kEndings, event.ending)}}).Increment();
  round_seconds_.Observe(event.seconds.total);
  for (const auto& [phase, seconds] : kPhases) {
    phase_seconds_.Add({{"phase", phase}}).Increment(event.seconds.*seconds);
  }
  received_bytes_.Increment(static_cast<double>(event.bytes_up));
  sent_bytes_.Increment(static_cast<double>(event.bytes_down));
}

void RunSeries::ShowInfluence(const RoundCommittedEvent& event) {
  std::map<std::string, double> by_clients;
  std::map<std::string, double> by_pixels;
  for (const GroupInfluence& group : event.group_influence) {
    by_clients[Label(group.group)] += group.influence;
    by_pixels[Label(group.group)] += group.pixel_influence;
  }
  influence_.Show(by_clients);
  pixel_influence_.Show(by_pixels);
}

// What nothing was measured of stays as it was.
void RunSeries::ShowAccuracy(AccuracyView& view,
                             const std::vector<GroupMetrics>& groups,
                             const FairnessSummary& fairness) {
  std::map<std::string, double> accuracy;
  std::map<std::string, double> loss;
  for (const GroupMetrics& group : groups) {
    if (group.sums.count == 0) continue;
    accuracy[Label(group.group)] = group.sums.accuracy();
    loss[Label(group.group)] = group.sums.loss();
  }
  if (accuracy.empty()) return;
  view.accuracy.Show(accuracy);
  view.loss.Show(loss);
  mean_accuracy_.Add(view.labels).Set(fairness.mean);
  worst_accuracy_.Add(view.labels).Set(fairness.worst);
  accuracy_gap_.Add(view.labels).Set(fairness.gap);
}

std::string RunSeries::Label(int group) const {
  const auto i = static_cast<std::size_t>(group);
  return i < group_labels_.size() ? group_labels_[i] : kOther;
}

prometheus::Counter& RunSeries::NewCounter(const std::string& name,
                                           const std::string& help) {
  return NewCounters(name, help).Add({});
}
RunSeries::Counters& RunSeries::NewCounters(const std::string& name,
                                            const std::string& help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry_);
}
prometheus::Gauge& RunSeries::NewGauge(const std::string& name,
                                       const std::string& help) {
  return NewGauges(name, help).Add({});
}
RunSeries::Gauges& RunSeries::NewGauges(const std::string& name,
                                        const std::string& help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry_);
}
prometheus::Histogram& RunSeries::NewHistogram(
    const std::string& name, const std::string& help,
    const std::vector<double>& bounds) {
  return prometheus::BuildHistogram()
      .Name(name)
      .Help(help)
      .Register(registry_)
      .Add({}, bounds);
}

}  // namespace fedgap
