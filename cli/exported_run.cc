#include "cli/exported_run.h"

#include <fmt/format.h>

#include <cmath>
#include <variant>

#include "cli/progress_bar.h"
#include "dashboard/model/run_in_use.h"

namespace fedgap {
namespace {

// Adds what is a number.
class PointList {
 public:
  void Add(std::string_view metric, double value, std::string group = "") {
    if (!std::isfinite(value)) return;
    points_.push_back(
        {.metric = metric, .group = std::move(group), .value = value});
  }
  std::vector<CurvePoint> Take() { return std::move(points_); }

 private:
  std::vector<CurvePoint> points_;
};

void AddAccuracies(const RoundView& round, PointList& points) {
  if (const auto& fairness = round.fairness; fairness.has_value()) {
    points.Add("accuracy/mean", fairness->mean);
    points.Add("accuracy/worst", fairness->worst);
    points.Add("accuracy/gap", fairness->gap);
    points.Add("accuracy/stddev", fairness->stddev);
    points.Add("accuracy/jain", fairness->jain);
  }
  if (const auto& fairness = round.held_out_fairness; fairness.has_value()) {
    points.Add("held_out_accuracy/mean", fairness->mean);
    points.Add("held_out_accuracy/worst", fairness->worst);
    points.Add("held_out_accuracy/gap", fairness->gap);
    points.Add("held_out_accuracy/stddev", fairness->stddev);
    points.Add("held_out_accuracy/jain", fairness->jain);
  }
}

void AddGroup(const GroupRow& row, const std::string& label,
              PointList& points) {
  const auto has_samples = [](const std::optional<BatchMetrics>& sums) {
    return sums.has_value() && sums->count > 0;
  };
  if (has_samples(row.evaluation)) {
    points.Add("accuracy", row.evaluation->accuracy(), label);
    points.Add("loss", row.evaluation->loss(), label);
  }
  if (has_samples(row.prototypes)) {
    points.Add("prototype_accuracy", row.prototypes->accuracy(), label);
  }
  if (has_samples(row.held_out)) {
    points.Add("held_out_accuracy", row.held_out->accuracy(), label);
    points.Add("held_out_loss", row.held_out->loss(), label);
  }
  points.Add("influence", row.influence, label);
  points.Add("pixel_influence", row.pixel_share, label);
  points.Add("clients", row.clients, label);
  points.Add("samples", static_cast<double>(row.samples), label);
}

void AddSeconds(const RoundSeconds& seconds, PointList& points) {
  points.Add("seconds/total", seconds.total);
  points.Add("seconds/train", seconds.train);
  points.Add("seconds/transfer", seconds.transfer);
  points.Add("seconds/wait", seconds.wait);
  points.Add("seconds/aggregate", seconds.aggregate);
  points.Add("seconds/evaluate", seconds.evaluate);
  points.Add("seconds/commit", seconds.commit);
  points.Add("seconds/other", seconds.other);
}

}  // namespace

StatusOr<ExportedRun> ExportedRun::Read(const std::filesystem::path& log) {
  FEDGAP_ASSIGN_OR_RETURN(EventFollower follower, EventFollower::Open(log));
  ExportedRun run(log);
  FEDGAP_RETURN_IF_ERROR(
      ReadLog(follower, [&](const EventFollower::Line& line) {
        if (line.event == nullptr) return;
        run.builder_.Take(*line.event, line.text);
        run.Note(line.event->event, follower.lines());
      }));
  run.lines_ = follower.lines();
  run.damage_ = follower.damage();
  return run;
}

void ExportedRun::Note(const Event& event, std::int64_t line) {
  if (const auto* started = std::get_if<RunStartedEvent>(&event)) {
    commits_.erase(commits_.upper_bound(started->last_committed),
                   commits_.end());
  } else if (const auto* commit = std::get_if<RoundCommittedEvent>(&event)) {
    commits_.erase(commits_.lower_bound(commit->round), commits_.end());
    commits_.emplace(commit->round, line);
  }
}

std::string ExportedRun::State() const {
  if (view().finished.has_value()) return view().finished->reason;
  return IsLeft(log_) ? "interrupted" : "running";
}

std::string ExportedRun::GroupLabel(int group) const {
  const auto& started = view().started;
  const auto i = static_cast<std::size_t>(group);
  return started.has_value() && i < started->group_labels.size()
             ? started->group_labels[i]
             : fmt::format("group {}", group);
}

std::vector<CurvePoint> ExportedRun::PointsOf(const RoundView& round) const {
  PointList points;
  AddAccuracies(round, points);
  for (const GroupRow& row : round.groups) {
    AddGroup(row, GroupLabel(row.group), points);
  }
  points.Add("loss/train", round.train_loss);
  points.Add("learning_rate", round.learning_rate);
  points.Add("step/norm", round.delta_norm);
  points.Add("step/cosine", round.cosine);
  points.Add("clients/contributors", round.contributors);
  points.Add("clients/rejected", round.rejected);
  points.Add("bytes/up", static_cast<double>(round.bytes_up));
  points.Add("bytes/down", static_cast<double>(round.bytes_down));
  AddSeconds(round.seconds, points);
  return points.Take();
}

Status ExportedRun::ForEachUpdate(const TakeUpdate& take) const {
  FEDGAP_ASSIGN_OR_RETURN(EventFollower follower, EventFollower::Open(log_));
  // Of the attempt that is open.
  std::map<ClientName, UpdateAcceptedEvent> pending;
  const auto close_round = [&](const RoundCommittedEvent& commit) {
    const auto counts = commits_.find(commit.round);
    if (counts == commits_.end() || counts->second != follower.lines()) return;
    std::map<ClientName, double> influence;
    for (const ClientInfluence& share : commit.client_influence) {
      influence[share.client] = share.influence;
    }
    for (const ClientName& name : commit.contributors) {
      const auto update = pending.find(name);
      // A damaged log may lack the lines between two rounds.
      if (update != pending.end() && update->second.round == commit.round) {
        take(update->second, influence[name]);
      }
    }
  };
  return ReadLog(follower, [&](const EventFollower::Line& line) {
    if (line.event == nullptr || follower.lines() > lines_) return;
    const Event& event = line.event->event;
    if (const auto* update = std::get_if<UpdateAcceptedEvent>(&event)) {
      pending.insert_or_assign(update->client, *update);
      return;
    }
    const auto* commit = std::get_if<RoundCommittedEvent>(&event);
    if (commit != nullptr) close_round(*commit);
    if (commit != nullptr || std::holds_alternative<RoundStartedEvent>(event) ||
        std::holds_alternative<RoundAbortedEvent>(event) ||
        std::holds_alternative<RunStartedEvent>(event)) {
      pending.clear();
    }
  });
}

}  // namespace fedgap
