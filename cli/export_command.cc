// `fedgap export`: the curves of runs as CSV and for TensorBoard.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/exported_run.h"
#include "cli/output_file.h"
#include "cli/run_labels.h"
#include "cli/run_log.h"
#include "cli/run_tables.h"
#include "cli/tensorboard_events.h"
#include "common/telemetry/human_log.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

struct ExportFlags {
  std::vector<fs::path> runs;
  fs::path csv;
  fs::path tensorboard;
  bool force = false;
};

double SecondsSince1970(Clock::WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

std::string TagOf(const CurvePoint& point) {
  return point.group.empty() ? std::string(point.metric)
                             : fmt::format("{}/group/{}", point.metric,
                                           WithoutControls(point.group));
}

// DIR/LABEL/events.out.tfevents.SECONDS.fedgap: the same name each time, so
// that a run that went on replaces its curves instead of adding to them.
StatusOr<std::unique_ptr<OutputFile>> WriteTensorboard(const ExportFlags& flags,
                                                       const std::string& label,
                                                       const ExportedRun& run) {
  const double first = SecondsSince1970(run.view().first);
  FEDGAP_ASSIGN_OR_RETURN(
      auto file, OutputFile::Create(
                     {.path = flags.tensorboard / label /
                              fmt::format("events.out.tfevents.{:010}.fedgap",
                                          static_cast<std::int64_t>(first)),
                      .replace = flags.force}));
  file->Append(TensorboardHeader(first));
  for (const RoundView& round : run.view().rounds) {
    std::vector<TensorboardScalar> scalars;
    for (const CurvePoint& point : run.PointsOf(round)) {
      scalars.push_back({TagOf(point), static_cast<float>(point.value)});
    }
    file->Append(
        TensorboardEvent(SecondsSince1970(round.time), round.round, scalars));
  }
  return file;
}

// What a reader of the curves should know of the log.
void Complain(const fs::path& log, const ExportedRun& run) {
  const auto say = [&log](const std::string& what) {
    fmt::print(stderr, "fedgap: {}: {}\n", log.string(), WithoutControls(what));
  };
  const std::string damage = Describe(run.damage());
  if (!damage.empty()) say("the log: " + damage);
  if (!run.view().started.has_value()) {
    say("no run_started event: groups have numbers instead of names");
  }
  if (run.view().rounds.empty()) say("no round is committed yet");
}

Status ExportRuns(const ExportFlags& flags) {
  if (flags.csv.empty() && flags.tensorboard.empty()) {
    return absl::InvalidArgumentError(
        "say what to write: --csv DIR, --tensorboard DIR, or both");
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<std::string> labels,
                          RunLabels(flags.runs));
  std::unique_ptr<RunTables> tables;
  if (!flags.csv.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(tables, RunTables::Create(flags.csv, flags.force));
  }
  // Nothing appears before all of it is written.
  std::vector<std::unique_ptr<OutputFile>> files;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    FEDGAP_ASSIGN_OR_RETURN(const ExportedRun run,
                            ExportedRun::Read(flags.runs[i]));
    Complain(flags.runs[i], run);
    if (tables != nullptr) {
      FEDGAP_RETURN_IF_ERROR(tables->Add(labels[i], run));
    }
    if (!flags.tensorboard.empty()) {
      FEDGAP_ASSIGN_OR_RETURN(files.emplace_back(),
                              WriteTensorboard(flags, labels[i], run));
    }
  }
  for (const auto& file : files) {
    FEDGAP_RETURN_IF_ERROR(file->Commit());
    fmt::print("{}\n", file->path().string());
  }
  if (tables == nullptr) return absl::OkStatus();
  FEDGAP_RETURN_IF_ERROR(tables->Commit());
  for (const char* name :
       {"runs.csv", "rounds.csv", "metrics.csv", "clients.csv"}) {
    fmt::print("{}\n", (flags.csv / name).string());
  }
  return absl::OkStatus();
}

}  // namespace

void AddExportCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "export", "The curves of runs as CSV files and for TensorBoard.");
  auto flags = std::make_shared<ExportFlags>();
  command
      ->add_option("runs", flags->runs,
                   "Runs' directories, their events/, or files of a log")
      ->type_name("RUN")
      ->required();
  command
      ->add_option("--csv", flags->csv,
                   "Write runs.csv, rounds.csv, metrics.csv and clients.csv "
                   "there")
      ->type_name("DIR");
  command
      ->add_option("--tensorboard", flags->tensorboard,
                   "Write event files there, a directory a run")
      ->type_name("DIR");
  command->add_flag("--force", flags->force, "Replace files that exist");
  command->footer(
      "One of --csv and --tensorboard, or both. Only event logs are read: of "
      "a\n"
      "run that goes on, of one that is over, a copy of the log. "
      "docs/EXPORT.md\n"
      "has every column and metric. The files name clients.\n\n"
      "Examples:\n"
      "  fedgap export runs/first --csv curves\n"
      "  fedgap export runs/first runs/second --tensorboard boards\n"
      "  fedgap export runs/first --csv curves --force");
  command->callback([flags, &selected] {
    selected = [flags] { return ExportRuns(*flags); };
  });
}

}  // namespace fedgap
