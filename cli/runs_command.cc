// `fedgap runs`: the runs of a directory, listed, shown, compared, removed.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/config_lines.h"
#include "cli/run_log.h"
#include "cli/terminal.h"
#include "common/base/file_io.h"
#include "common/telemetry/event_json.h"
#include "common/telemetry/events.h"
#include "common/telemetry/progress_printer.h"
#include "common/telemetry/report.h"
#include "dashboard/model/run_in_use.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

struct RunsFlags {
  fs::path directory = "runs";
  std::vector<fs::path> runs;
  bool yes = false;
};

// "running", how it ended, or "interrupted".
TextTable::Cell StateOf(const RunLog& run, const fs::path& directory) {
  if (IsInUse(directory)) return {"running", Ink::kGreen};
  if (run.report.reason == "running") return {"interrupted", Ink::kYellow};
  if (WasInterrupted(run.report.reason)) {
    return {run.report.reason, Ink::kYellow};
  }
  return run.report.reason;
}

std::string Accuracy(const RunReport& report, double share) {
  return report.accuracy_from == "none" ? "-" : Percent(share);
}

std::string ShortModel(const RunReport& report) {
  return ToHex(report.model_sha256.digest).substr(0, 12);
}

// --- list -----------------------------------------------------------------

// `directory` itself, or the runs in it, one level down and two (sweeps).
StatusOr<std::vector<fs::path>> FindRuns(const fs::path& directory) {
  std::vector<fs::path> runs;
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    return absl::NotFoundError(fmt::format(
        "there is no directory {}: name the one that holds the runs",
        directory.string()));
  }
  if (IsRunDirectory(directory)) return std::vector<fs::path>{directory};
  fs::recursive_directory_iterator entry(
      directory, fs::directory_options::skip_permission_denied, error);
  for (; !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    std::error_code ignored;
    if (!entry->is_directory(ignored)) continue;
    const bool is_run = IsRunDirectory(entry->path());
    if (is_run) runs.push_back(entry->path());
    if (is_run || entry.depth() >= 1) entry.disable_recursion_pending();
  }
  if (error) return ErrnoStatus(error.value(), "list", directory);
  return runs;
}

Status ListRuns(const RunsFlags& flags) {
  FEDGAP_ASSIGN_OR_RETURN(const auto paths, FindRuns(flags.directory));
  struct Found {
    fs::path path;
    RunLog log;
  };
  std::vector<Found> runs;
  std::vector<std::string> unreadable;
  for (const fs::path& path : paths) {
    auto log = ReadRunLog(path);
    if (log.ok()) {
      runs.push_back({path, *std::move(log)});
    } else {
      unreadable.push_back(
          fmt::format("{}: {}", path.string(), MessageOf(log.status())));
    }
  }
  std::ranges::sort(runs, {}, [](const Found& run) { return run.log.started; });
  TextTable table({{"run"},
                   {"state"},
                   {"started (UTC)"},
                   {"rounds", true},
                   {"mean", true},
                   {"worst", true},
                   {"gap", true},
                   {"time", true},
                   {"model_sha256"}});
  for (const auto& [path, log] : runs) {
    const RunReport& report = log.report;
    table.Add({path.string(), StateOf(log, path),
               FormatTime(log.started).substr(0, 16),
               fmt::format("{}", report.rounds),
               Accuracy(report, report.accuracy.mean),
               Accuracy(report, report.accuracy.worst),
               Accuracy(report, report.accuracy.gap),
               HumanDuration(report.seconds), ShortModel(report)});
  }
  if (runs.empty()) {
    fmt::print("no runs in {}\n", flags.directory.string());
  } else {
    fmt::print("{}", table.ToString(ShowsColour(stdout)));
  }
  for (const std::string& text : unreadable) {
    fmt::print(stderr, "fedgap: {}\n", text);
  }
  return absl::OkStatus();
}

// --- show -----------------------------------------------------------------

Status ShowRun(const fs::path& path) {
  FEDGAP_ASSIGN_OR_RETURN(const RunLog run, ReadRunLog(path));
  const bool colour = ShowsColour(stdout);
  const TextTable::Cell state = StateOf(run, path);
  fmt::print(
      "run      {}\nstate    {}\nstarted  {}\nlast     {}\nlog      {}\n",
      run.report.run.value, Paint(state.text, state.ink, colour),
      FormatTime(run.started), FormatTime(run.last),
      run.damage.bad_lines + run.damage.missing_lines +
                  run.damage.half_line_bytes ==
              0
          ? "whole"
          : Paint(Describe(run.damage), Ink::kYellow, colour));
  fmt::print("\n{}", ToTable(run.report));
  return absl::OkStatus();
}

// --- compare --------------------------------------------------------------

using RunLogs = std::vector<RunLog>;

void CompareResults(const RunsFlags& flags, const RunLogs& runs) {
  std::vector<TextTable::Column> columns = {{""}};
  for (const fs::path& path : flags.runs) {
    columns.push_back({path.string(), true});
  }
  TextTable table(columns);
  const auto row = [&](const std::string& name, const auto& value) {
    std::vector<TextTable::Cell> cells = {name};
    for (const RunLog& run : runs) cells.emplace_back(value(run.report));
    table.Add(std::move(cells));
  };
  using Report = const RunReport&;
  row("ended", [](Report r) { return r.reason; });
  row("seed", [](Report r) { return fmt::format("{}", r.seed); });
  row("rounds", [](Report r) { return fmt::format("{}", r.rounds); });
  row("clients", [](Report r) { return fmt::format("{}", r.clients); });
  row("time", [](Report r) { return HumanDuration(r.seconds); });
  row("accuracy from", [](Report r) { return r.accuracy_from; });
  row("mean", [](Report r) { return Accuracy(r, r.accuracy.mean); });
  row("worst", [](Report r) { return Accuracy(r, r.accuracy.worst); });
  row("gap", [](Report r) { return Accuracy(r, r.accuracy.gap); });
  row("Jain", [](Report r) { return fmt::format("{:.4f}", r.accuracy.jain); });
  row("MB up", [](Report r) {
    return fmt::format("{:.1f}", static_cast<double>(r.bytes_up) / 1e6);
  });
  row("rejected updates",
      [](Report r) { return fmt::format("{}", r.rejected_updates); });
  row("model_sha256", ShortModel);
  std::vector<std::string> groups;  // in the order of the runs
  for (const RunLog& run : runs) {
    for (const GroupReport& group : run.report.groups) {
      if (std::ranges::find(groups, group.label) == groups.end()) {
        groups.push_back(group.label);
      }
    }
  }
  for (const std::string& label : groups) {
    row("accuracy " + label, [&label](Report r) -> std::string {
      const auto found =
          std::ranges::find(r.groups, label, &GroupReport::label);
      const bool known = found != r.groups.end() && found->sums.count > 0;
      return known ? Percent(found->sums.accuracy()) : "-";
    });
  }
  fmt::print("{}", table.ToString(ShowsColour(stdout)));
}

void CompareConfigurations(const RunsFlags& flags, const RunLogs& runs) {
  std::vector<std::map<std::string, std::string>> configs;
  std::set<std::string> keys;
  for (const RunLog& run : runs) {
    configs.push_back(ConfigKeys(run.config_toml));
    for (const auto& [key, value] : configs.back()) keys.insert(key);
  }
  std::vector<TextTable::Column> columns = {{"configuration"}};
  for (const fs::path& path : flags.runs) columns.push_back({path.string()});
  TextTable table(columns);
  int differences = 0;
  for (const std::string& key : keys) {
    std::vector<TextTable::Cell> row = {key};
    std::set<std::string> values;
    for (const auto& config : configs) {
      const auto found = config.find(key);
      row.emplace_back(found == config.end() ? "-" : found->second);
      values.insert(row.back().text);
    }
    if (values.size() == 1) continue;
    ++differences;
    table.Add(std::move(row));
  }
  if (differences == 0) {
    fmt::print("\nthe configurations are the same\n");
  } else {
    fmt::print("\n{}", table.ToString(ShowsColour(stdout)));
  }
}

Status CompareRuns(const RunsFlags& flags) {
  RunLogs runs;
  for (const fs::path& path : flags.runs) {
    FEDGAP_ASSIGN_OR_RETURN(runs.emplace_back(), ReadRunLog(path));
  }
  CompareResults(flags, runs);
  CompareConfigurations(flags, runs);
  return absl::OkStatus();
}

// --- rm -------------------------------------------------------------------

Status Confirm(const fs::path& path) {
  if (::isatty(STDIN_FILENO) != 1) {
    return absl::FailedPreconditionError(
        fmt::format("{} would be removed for good: say --yes where nobody can "
                    "be asked",
                    path.string()));
  }
  fmt::print(stderr, "Remove {} for good? [y/N] ", path.string());
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "yes") return absl::OkStatus();
  return absl::CancelledError(path.string() + " stays");
}

// Why it must stay; "" if it may go.
std::string Obstacle(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return "does not exist";
  if (!IsRunDirectory(path)) {
    return "is no run's directory (those hold state.db and config.toml)";
  }
  return IsInUse(path) ? "is in use: a program works on it" : "";
}

Status RemoveRun(const fs::path& path, bool yes) {
  if (!yes) FEDGAP_RETURN_IF_ERROR(Confirm(path));
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return ErrnoStatus(error.value(), "remove", path);
  fmt::print("removed {}\n", path.string());
  return absl::OkStatus();
}

// All or none: who mistypes one name does not want the half of it.
Status RemoveRuns(const RunsFlags& flags) {
  std::vector<std::string> obstacles;
  for (const fs::path& path : flags.runs) {
    const std::string obstacle = Obstacle(path);
    if (obstacle.empty()) continue;
    obstacles.push_back(fmt::format("{} {}", path.string(), obstacle));
  }
  if (!obstacles.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("nothing is removed: {}", fmt::join(obstacles, "; ")));
  }
  for (const fs::path& path : flags.runs) {
    FEDGAP_RETURN_IF_ERROR(RemoveRun(path, flags.yes));
  }
  return absl::OkStatus();
}

struct RunsSubcommand {
  const char* name;
  const char* help;
  const char* example;
  Status (*action)(const RunsFlags&);
};

CLI::App* AddRunsSubcommand(CLI::App& runs, const RunsSubcommand& subcommand,
                            const std::shared_ptr<RunsFlags>& flags,
                            Action& selected) {
  CLI::App* command = runs.add_subcommand(subcommand.name, subcommand.help);
  command->footer(std::string("Examples:\n  ") + subcommand.example);
  command->callback([flags, action = subcommand.action, &selected] {
    selected = [flags, action] { return action(*flags); };
  });
  return command;
}

}  // namespace

void AddRunsCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "runs", "The runs of a directory: listed, shown, compared, removed.");
  command->require_subcommand(1);
  auto flags = std::make_shared<RunsFlags>();
  AddRunsSubcommand(*command,
                    {.name = "list",
                     .help = "A line a run, oldest first",
                     .example = "fedgap runs list runs",
                     .action = ListRuns},
                    flags, selected)
      ->add_option("directory", flags->directory,
                   "Looked through two levels down")
      ->type_name("DIR")
      ->capture_default_str();
  AddRunsSubcommand(
      *command,
      {.name = "show",
       .help = "One run: state, accuracy per resolution group",
       .example = "fedgap runs show runs/first",
       .action =
           [](const RunsFlags& given) { return ShowRun(given.runs.front()); }},
      flags, selected)
      ->add_option("run", flags->runs, "A run's directory, or a log")
      ->type_name("RUN")
      ->required()
      ->expected(1);
  AddRunsSubcommand(
      *command,
      {.name = "compare",
       .help = "Results side by side, and where configurations differ",
       .example = "fedgap runs compare runs/by-client runs/by-pixels",
       .action = CompareRuns},
      flags, selected)
      ->add_option("runs", flags->runs, "Directories, or logs")
      ->type_name("RUN")
      ->required()
      ->expected(2, 16);
  CLI::App* remove = AddRunsSubcommand(
      *command,
      {.name = "rm",
       .help = "Removes directories of runs that nobody is using",
       .example = "fedgap runs rm runs/first --yes",
       .action = RemoveRuns},
      flags, selected);
  remove->add_option("runs", flags->runs, "Directories")
      ->type_name("RUN")
      ->required();
  remove->add_flag("-y,--yes", flags->yes, "Don't ask");
  command->footer(
      "What is shown is read from the runs' event logs.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\n"
      "Examples:\n"
      "  fedgap runs list runs\n"
      "  fedgap runs compare runs/by-client runs/by-pixels\n"
      "  fedgap runs rm runs/first --yes");
}

}  // namespace fedgap
