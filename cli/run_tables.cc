#include "cli/run_tables.h"

#include <optional>
#include <vector>

#include "cli/csv_row.h"
#include "common/telemetry/event_json.h"

namespace fedgap {
namespace {

constexpr char kRunColumns[] =
    "run,run_id,name,seed,state,started,last_event,rounds_planned,rounds,"
    "model,parameters,starts,accepted_updates,rejected_updates,"
    "aborted_rounds,virtual_seconds,software\n";
constexpr char kRoundColumns[] =
    "run,round,time,attempts,contributors,rejected,ending,learning_rate,"
    "train_loss,step_norm,step_cosine,accuracy_mean,accuracy_worst,"
    "accuracy_gap,accuracy_stddev,accuracy_jain,held_out_mean,"
    "held_out_worst,held_out_gap,held_out_stddev,held_out_jain,bytes_up,"
    "bytes_down,seconds_total,seconds_train,seconds_transfer,seconds_wait,"
    "seconds_aggregate,seconds_evaluate,seconds_commit,seconds_other\n";
constexpr char kMetricColumns[] = "run,round,metric,group,value\n";
constexpr char kClientColumns[] =
    "run,round,client,groups,samples,pixels,influence,local_steps,"
    "train_seconds,arrived_seconds,bytes,norm,max_abs,cosine,clipped,"
    "step_loss,train_accuracy,train_loss,held_out_samples,"
    "held_out_accuracy,held_out_loss\n";

void AddFairness(const std::optional<FairnessSummary>& fairness, CsvRow& row) {
  for (const auto part :
       {&FairnessSummary::mean, &FairnessSummary::worst, &FairnessSummary::gap,
        &FairnessSummary::stddev, &FairnessSummary::jain}) {
    row.Number(fairness.has_value() ? std::optional((*fairness).*part)
                                    : std::nullopt);
  }
}

BatchMetrics TotalOf(const std::vector<GroupMetrics>& parts) {
  BatchMetrics total;
  for (const GroupMetrics& part : parts) total += part.sums;
  return total;
}

void AddAccuracyAndLoss(const BatchMetrics& sums, CsvRow& row) {
  const bool is_known = sums.count > 0;
  row.Number(is_known ? std::optional(sums.accuracy()) : std::nullopt);
  row.Number(is_known ? std::optional(sums.loss()) : std::nullopt);
}

std::string ClientLine(const std::string& label, const ExportedRun& run,
                       const UpdateAcceptedEvent& update, double influence) {
  std::string groups;
  std::int64_t samples = 0;
  std::int64_t pixels = 0;
  for (const GroupCounts& part : update.counts) {
    if (!groups.empty()) groups += ';';
    groups += run.GroupLabel(part.group);
    samples = SaturatingAdd(samples, part.samples);
    pixels = SaturatingAdd(pixels, part.pixels);
  }
  const BatchMetrics held_out = TotalOf(update.held_out_metrics);
  CsvRow row;
  row.Text(label)
      .Integer(update.round)
      .Text(update.client.value)
      .Text(groups)
      .Integer(samples)
      .Integer(pixels)
      .Number(influence)
      .Integer(update.local_steps)
      .Number(update.train_seconds)
      .Number(update.arrived_seconds)
      .Integer(update.bytes)
      .Number(update.norm)
      .Number(update.max_abs)
      .Number(update.cosine)
      .Integer(update.clipped ? 1 : 0)
      .Number(update.training.count > 0 ? std::optional(update.training.loss())
                                        : std::nullopt);
  AddAccuracyAndLoss(TotalOf(update.train_metrics), row);
  row.Integer(held_out.count);
  AddAccuracyAndLoss(held_out, row);
  return row.Line();
}

}  // namespace

StatusOr<std::unique_ptr<RunTables>> RunTables::Create(
    const std::filesystem::path& directory, bool replace) {
  std::unique_ptr<RunTables> tables(new RunTables);
  const auto open = [&](const char* name, const char* columns,
                        std::unique_ptr<OutputFile>& file) -> Status {
    FEDGAP_ASSIGN_OR_RETURN(file, OutputFile::Create({.path = directory / name,
                                                      .replace = replace}));
    file->Append(columns);
    return absl::OkStatus();
  };
  FEDGAP_RETURN_IF_ERROR(open("runs.csv", kRunColumns, tables->runs_));
  FEDGAP_RETURN_IF_ERROR(open("rounds.csv", kRoundColumns, tables->rounds_));
  FEDGAP_RETURN_IF_ERROR(open("metrics.csv", kMetricColumns, tables->metrics_));
  FEDGAP_RETURN_IF_ERROR(open("clients.csv", kClientColumns, tables->clients_));
  return tables;
}

Status RunTables::Add(const std::string& label, const ExportedRun& run) {
  AddRun(label, run);
  for (const RoundView& round : run.view().rounds) {
    AddRound(label, round);
    for (const CurvePoint& point : run.PointsOf(round)) {
      metrics_->Append(CsvRow()
                           .Text(label)
                           .Integer(round.round)
                           .Text(point.metric)
                           .Text(point.group)
                           .Number(point.value)
                           .Line());
    }
  }
  return run.ForEachUpdate(
      [&](const UpdateAcceptedEvent& update, double influence) {
        clients_->Append(ClientLine(label, run, update, influence));
      });
}

void RunTables::AddRun(const std::string& label, const ExportedRun& run) {
  const RunView& view = run.view();
  const RunStartedEvent started = view.started.value_or(RunStartedEvent{});
  runs_->Append(CsvRow()
                    .Text(label)
                    .Text(started.run.value)
                    .Text(started.name)
                    .Unsigned(started.seed)
                    .Text(run.State())
                    .Text(FormatTime(view.first))
                    .Text(FormatTime(view.last))
                    .Integer(started.rounds)
                    .Integer(static_cast<std::int64_t>(view.rounds.size()))
                    .Text(started.model)
                    .Integer(started.parameters)
                    .Integer(view.starts)
                    .Integer(view.accepted)
                    .Integer(view.rejected)
                    .Integer(view.aborted)
                    .Number(view.virtual_seconds)
                    .Text(started.software)
                    .Line());
}

void RunTables::AddRound(const std::string& label, const RoundView& round) {
  CsvRow row;
  row.Text(label)
      .Integer(round.round)
      .Text(FormatTime(round.time))
      .Integer(round.attempts)
      .Integer(round.contributors)
      .Integer(round.rejected)
      .Text(round.ending)
      .Number(round.learning_rate)
      .Number(round.train_loss)
      .Number(round.delta_norm)
      .Number(round.cosine);
  AddFairness(round.fairness, row);
  AddFairness(round.held_out_fairness, row);
  const RoundSeconds& seconds = round.seconds;
  row.Integer(round.bytes_up)
      .Integer(round.bytes_down)
      .Number(seconds.total)
      .Number(seconds.train)
      .Number(seconds.transfer)
      .Number(seconds.wait)
      .Number(seconds.aggregate)
      .Number(seconds.evaluate)
      .Number(seconds.commit)
      .Number(seconds.other);
  rounds_->Append(row.Line());
}

Status RunTables::Commit() {
  for (OutputFile* file :
       {runs_.get(), rounds_.get(), metrics_.get(), clients_.get()}) {
    FEDGAP_RETURN_IF_ERROR(file->Commit());
  }
  return absl::OkStatus();
}

}  // namespace fedgap
