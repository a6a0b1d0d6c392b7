#include "common/telemetry/report_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/crypto/sha256.h"
#include "common/nn/other_bits.h"

namespace fedgap {
namespace {

constexpr std::int64_t kRememberedClients = 10000;

}  // namespace

void ReportBuilder::Emit(const Event& event) {
  MutexLock lock(mutex_);
  // Not a lambda: the analysis does not follow locks into one.
  if (const auto* e = std::get_if<RunStartedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<SimulationStartedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<VirtualRoundEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<ClientJoinedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<RoundStartedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<UpdateAcceptedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<UpdateRejectedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<RoundCommittedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<RoundAbortedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<FinalEvaluationEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<RunFinishedEvent>(&event)) Take(*e);
  if (const auto* e = std::get_if<WarningEvent>(&event)) Take(*e);
}

void ReportBuilder::Take(const RunStartedEvent& event) {
  report_.run = event.run;
  report_.name = event.name;
  report_.model = event.model;
  report_.parameters = event.parameters;
  report_.seed = event.seed;
  report_.software = event.software;
  report_.config_sha256 = ToHex(Sha256Of(event.config_toml));
  report_.starts += 1;
  report_.reason = "running";
  if (report_.rounds == 0) report_.model_sha256 = event.initial_model;
  virtual_time_.Take(event);
  labels_ = event.group_labels;
}

void ReportBuilder::Take(const SimulationStartedEvent& event) {
  simulated_ = event.clients;
}

void ReportBuilder::Take(const VirtualRoundEvent& event) {
  virtual_time_.Take(event);
}

void ReportBuilder::Take(const ClientJoinedEvent& event) {
  known_.insert(event.client);
}

void ReportBuilder::Take(const RoundStartedEvent& event) {
  began_ = event.round;
  roster_ = {event.eligible, event.roster};
  // Of millions of clients only the last cohort is remembered.
  if (simulated_ > kRememberedClients) counts_.clear();
}

void ReportBuilder::Take(const UpdateAcceptedEvent& event) {
  report_.accepted_updates += 1;
  counts_[event.client] = event.counts;
}

void ReportBuilder::Take(const UpdateRejectedEvent&) {
  report_.rejected_updates += 1;
}

void ReportBuilder::Take(const RoundCommittedEvent& event) {
  if (event.round <= report_.rounds) return;  // seen before
  report_.rounds = event.round;
  virtual_time_.Take(event);
  report_.model_sha256 = event.model;
  report_.seconds += event.seconds.total;
  report_.bytes_up += event.bytes_up;
  report_.bytes_down += event.bytes_down;
  for (const GroupInfluence& group : event.group_influence) {
    totals_[group.group].influence += group.influence;
    totals_[group.group].pixel_influence += group.pixel_influence;
  }
  if (event.evaluated) {
    evaluation_ = event.evaluation;
    evaluated_ = event.round;
  }
  client_held_out_ = event.client_held_out;
  RoundReport round{.round = event.round,
                    .clients = static_cast<int>(event.contributors.size()),
                    .seconds = event.seconds.total,
                    .train_loss = event.training.loss(),
                    .accuracy = {},
                    .client_held_out = {}};
  NoteHeldOut(event.round - 1, event.client_held_out);
  if (event.evaluated) round.accuracy = event.evaluation.fairness;
  report_.history.push_back(round);
  CheckRoster(event);
}

void ReportBuilder::NoteHeldOut(Round round,
                                const std::vector<GroupMetrics>& metrics) {
  if (metrics.empty() || report_.history.empty()) return;
  if (report_.history.back().round != round) return;
  report_.history.back().client_held_out = Summarize(metrics);
}

void ReportBuilder::Take(const RoundAbortedEvent&) {
  report_.aborted_rounds += 1;
}

void ReportBuilder::Take(const FinalEvaluationEvent& event) {
  client_held_out_ = event.client_held_out;
  final_held_out_ = true;
  NoteHeldOut(report_.rounds, event.client_held_out);
}

void ReportBuilder::Take(const RunFinishedEvent& event) {
  report_.reason = event.reason;
  report_.seconds = event.seconds;
  report_.model_sha256 = event.model;
}

void ReportBuilder::Take(const WarningEvent& event) {
  if (!TellsOfOtherBits(event.message)) return;
  Replayable(
      "it was computed without fused multiply-add: CPUs that have it give "
      "other bits");
}

void ReportBuilder::Replayable(std::string reason) {
  if (!report_.reproducible) return;
  report_.reproducible = false;
  report_.determinism_reason = std::move(reason);
}

void ReportBuilder::CheckRoster(const RoundCommittedEvent& event) {
  if (simulated_ > 0) return;  // nothing is decided by time
  if (event.ending != "complete") {
    Replayable(fmt::format(
        "round {} ended by {} with {} clients; which ones was decided by time",
        event.round, event.ending, event.contributors.size()));
  }
  // A commit whose beginning was lost in a crash says nothing of the roster.
  if (began_ != event.round) return;
  if (!first_roster_.has_value()) first_roster_ = roster_;
  if (roster_ != *first_roster_) {
    Replayable(fmt::format(
        "the clients changed: the cohort of round {} was drawn from {}, that "
        "of the first from {}{}",
        event.round, roster_.clients, first_roster_->clients,
        roster_.clients == first_roster_->clients ? " others" : ""));
  }
}

std::string ReportBuilder::Label(int group) const {
  const auto i = static_cast<std::size_t>(group);
  return i < labels_.size() ? labels_[i] : fmt::format("group {}", group);
}

std::vector<GroupReport> ReportBuilder::Groups(
    const std::vector<GroupMetrics>& metrics,
    const std::vector<GroupMetrics>& prototypes) const {
  std::vector<GroupReport> groups;
  for (const GroupMetrics& metric : metrics) {
    GroupReport group;
    group.group = metric.group;
    group.label = Label(metric.group);
    group.sums = metric.sums;
    const auto found =
        std::ranges::find(prototypes, metric.group, &GroupMetrics::group);
    if (found != prototypes.end()) {
      group.prototype_accuracy = found->sums.accuracy();
    }
    groups.push_back(std::move(group));
  }
  return groups;
}

void ReportBuilder::AddTraining(std::vector<GroupReport>& groups) const {
  // A group that trains but is not evaluated is shown too.
  for (const auto& [index, unused] : totals_) {
    if (std::ranges::find(groups, index, &GroupReport::group) != groups.end()) {
      continue;
    }
    GroupReport group;
    group.group = index;
    group.label = Label(index);
    groups.push_back(std::move(group));
  }
  std::ranges::sort(groups, {}, &GroupReport::group);
  for (GroupReport& group : groups) {
    const auto totals = totals_.find(group.group);
    if (totals != totals_.end()) {
      const auto rounds = static_cast<double>(report_.history.size());
      group.influence = totals->second.influence / rounds;
      group.pixel_influence = totals->second.pixel_influence / rounds;
    }
    for (const auto& [client, counts] : counts_) {
      for (const GroupCounts& count : counts) {
        if (count.group == group.group) group.train_samples += count.samples;
      }
    }
  }
}

void ReportBuilder::AddAccuracy(RunReport& report) const {
  if (!client_held_out_.empty()) {
    report.client_held_out =
        ClientHeldOutReport{.final_model = final_held_out_,
                            .fairness = Summarize(client_held_out_),
                            .groups = Groups(client_held_out_, {})};
  }
  if (evaluation_.has_value()) {
    report.accuracy_from = "server";
    report.accuracy_round = evaluated_;
    report.accuracy = evaluation_->fairness;
    report.groups = Groups(evaluation_->groups, evaluation_->prototype_groups);
    for (const ServerEvaluation::Size& size : evaluation_->sizes) {
      SizeReport row{.size = size.size.empty() ? "native" : size.size,
                     .group = size.group,
                     .label = Label(size.group),
                     .sums = size.sums,
                     .prototype_accuracy = {}};
      if (!evaluation_->prototype_groups.empty() && size.sums.count > 0) {
        row.prototype_accuracy = static_cast<double>(size.prototype_correct) /
                                 static_cast<double>(size.sums.count);
      }
      report.sizes.push_back(std::move(row));
    }
  } else if (report.client_held_out.has_value()) {
    report.accuracy_from = "clients";
    report.accuracy_round = report.rounds - (final_held_out_ ? 0 : 1);
    report.accuracy = report.client_held_out->fairness;
    report.groups = report.client_held_out->groups;
  }
  AddTraining(report.groups);
}

RunReport ReportBuilder::Report() const {
  MutexLock lock(mutex_);
  RunReport report = report_;
  report.virtual_seconds = virtual_time_.seconds();
  report.clients = static_cast<int>(
      std::max(simulated_, static_cast<std::int64_t>(known_.size())));
  if (report.reproducible && simulated_ > 0) {
    report.determinism_reason =
        "the clients are simulated: nothing is decided by time";
  } else if (report.reproducible) {
    report.determinism_reason = fmt::format(
        "every round counted all the clients that it selected, and the same "
        "{} were connected in each",
        first_roster_.has_value() ? first_roster_->clients : 0);
  }
  AddAccuracy(report);
  return report;
}

}  // namespace fedgap
