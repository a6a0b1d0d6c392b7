#include "cli/run_simulate.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "common/base/clock.h"
#include "common/config/command_line.h"
#include "common/federation/model_id.h"
#include "common/telemetry/progress_printer.h"
#include "server/store/recorded_run.h"
#include "sim/baseline.h"
#include "sim/run_sweep.h"
#include "sim/sweep.h"
#include "sim/sweep_config.h"

namespace fedgap {
namespace {

StatusOr<SimulationDefinition> ReadStored(const std::string& directory,
                                          std::vector<std::string> overrides) {
  ConfigSources stored;
  stored.file_name = directory + "/config.toml";
  FEDGAP_ASSIGN_OR_RETURN(stored.file_text, StoredConfig(directory));
  stored.overrides = std::move(overrides);
  return ParseSimulation(stored);
}

// The run's own configuration; of --config and --set only who the clients are.
StatusOr<SimulationDefinition> ReadReplayed(const SimulateFlags& flags) {
  for (const std::string& text : flags.overrides) {
    if (text.starts_with("simulation.")) continue;
    return absl::InvalidArgumentError(fmt::format(
        "--set {}: --replay keeps the run's configuration; only simulation.* "
        "can be set, which says where its clients' data is",
        text));
  }
  if (flags.config.empty()) return ReadStored(flags.replay, flags.overrides);
  FEDGAP_ASSIGN_OR_RETURN(SimulationDefinition definition,
                          ReadStored(flags.replay, {}));
  FEDGAP_ASSIGN_OR_RETURN(const ConfigSources sources,
                          ReadConfigSources(flags.config, flags.overrides));
  FEDGAP_ASSIGN_OR_RETURN(SimulationDefinition given, ParseSimulation(sources));
  definition.simulation = std::move(given.simulation);
  return definition;
}

StatusOr<SimulationDefinition> ReadDefinition(const SimulateFlags& flags) {
  if (!flags.replay.empty()) {
    if (!flags.resume.empty()) {
      return absl::InvalidArgumentError(
          "--replay and --resume: give one of them (an interrupted replay is "
          "gone on with by the same --replay)");
    }
    return ReadReplayed(flags);
  }
  if (flags.resume.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(const ConfigSources sources,
                            ReadConfigSources(flags.config, flags.overrides));
    return ParseSimulation(sources);
  }
  if (!flags.config.empty() || !flags.overrides.empty()) {
    return absl::InvalidArgumentError(
        "--resume goes on with the run's own configuration; leave --config and "
        "--set out");
  }
  return ReadStored(flags.resume, {});
}

// What the file says of a sweep, where the flags say nothing of it: an axis of
// --sweep replaces the file's of the same key.
Status AddSweepOfFile(SimulateFlags& flags) {
  if (flags.config.empty() || !flags.resume.empty() || !flags.replay.empty()) {
    return absl::OkStatus();
  }
  FEDGAP_ASSIGN_OR_RETURN(const ConfigSources sources,
                          ReadConfigSources(flags.config, flags.overrides));
  FEDGAP_ASSIGN_OR_RETURN(SweepConfig sweep, ParseSweepConfig(sources));
  if (flags.baseline.empty()) flags.baseline = std::move(sweep.baseline);
  std::vector<std::string> merged;
  for (std::string& text : sweep.grid) {
    FEDGAP_ASSIGN_OR_RETURN(const SweepAxis axis, ParseSweepAxis(text));
    const auto same =
        std::ranges::find_if(flags.sweep, [&axis](const std::string& flag) {
          return flag.starts_with(axis.key + "=");
        });
    if (same == flags.sweep.end()) merged.push_back(std::move(text));
  }
  flags.sweep.insert(flags.sweep.begin(), merged.begin(), merged.end());
  return absl::OkStatus();
}

// Of the runs that are left, by those that are done.
std::string SweepEta(const SweepStep& step, Clock::Time began) {
  if (step.number < 2) return "";
  const double mean = ToSeconds(SystemClock().Now() - began) /
                      static_cast<double>(step.number - 1);
  const auto left = static_cast<double>(step.count - step.number + 1);
  return "  ETA " + HumanDuration(mean * left);
}

StatusOr<SweepPlan> ReadSweep(const SimulateFlags& flags) {
  if (!flags.replay.empty()) {
    return absl::InvalidArgumentError(
        "--replay repeats one run; leave --sweep and --baseline out");
  }
  if (!flags.resume.empty()) {
    return absl::InvalidArgumentError(
        "a sweep is gone on with by its own command line, not by --resume");
  }
  SweepPlan plan;
  FEDGAP_ASSIGN_OR_RETURN(plan.sources,
                          ReadConfigSources(flags.config, flags.overrides));
  if (!flags.baseline.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(const SimulationDefinition definition,
                            ParseSimulation(plan.sources));
    FEDGAP_ASSIGN_OR_RETURN(
        plan.axes.emplace_back(),
        BaselineAxis(flags.baseline, definition.run, definition.simulation));
  }
  for (const std::string& text : flags.sweep) {
    FEDGAP_ASSIGN_OR_RETURN(plan.axes.emplace_back(), ParseSweepAxis(text));
  }
  FEDGAP_RETURN_IF_ERROR(CheckAxes(plan.axes));
  plan.on_run = [began = SystemClock().Now()](const SweepStep& step) {
    fmt::print("== {}  run {} of {}{}\n", step.directory, step.number,
               step.count, SweepEta(step, began));
  };
  return plan;
}

Status SimulateMany(SimulateFlags flags, const Interruption& interruption) {
  FEDGAP_ASSIGN_OR_RETURN(const SweepPlan plan, ReadSweep(flags));
  FEDGAP_ASSIGN_OR_RETURN(const SimulationDefinition definition,
                          ParseSimulation(plan.sources));
  if (flags.settings.run_dir.empty()) {
    flags.settings.run_dir =
        std::filesystem::path("runs") / (definition.run.name + "-sweep");
  }
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<SweepResult> results,
                          RunSweep(plan, flags.settings, interruption));
  fmt::print("\n{}\ntables: {}\n", ToSummary(plan.axes, results),
             (flags.settings.run_dir / "sweep.csv").string());
  return absl::OkStatus();
}

}  // namespace

Status CheckSimulateFlags(SimulateFlags flags) {
  FEDGAP_RETURN_IF_ERROR(AddSweepOfFile(flags));
  if (!flags.sweep.empty() || !flags.baseline.empty()) {
    return ReadSweep(flags).status();
  }
  return ReadDefinition(flags).status();
}

Status RunSimulate(SimulateFlags flags, const Interruption& interruption) {
  flags.settings.progress = !flags.quiet;
  FEDGAP_RETURN_IF_ERROR(AddSweepOfFile(flags));
  if (!flags.sweep.empty() || !flags.baseline.empty()) {
    return SimulateMany(std::move(flags), interruption);
  }
  FEDGAP_ASSIGN_OR_RETURN(const SimulationDefinition definition,
                          ReadDefinition(flags));
  if (!flags.resume.empty()) flags.settings.run_dir = flags.resume;
  flags.settings.replay = flags.replay;
  FEDGAP_ASSIGN_OR_RETURN(flags.settings.run_dir,
                          RunDirOf(definition, flags.settings));
  FEDGAP_ASSIGN_OR_RETURN(
      const RunReport report,
      RunSimulation(definition, flags.settings, interruption));
  const std::string directory = flags.settings.run_dir.string();
  if (flags.quiet) {
    fmt::print("model_sha256 {}\n", ToHex(report.model_sha256));
  } else {
    fmt::print("\n{}", ToTable(report));
  }
  fmt::print("run directory: {}\n", directory);
  if (interruption.requested()) {
    fmt::print("go on with it: {}\n",
               flags.replay.empty() ? "fedgap simulate --resume " + directory
                                    : "the same command");
  } else if (!flags.replay.empty()) {
    fmt::print("replayed: {} rounds of {}, every model the same\n",
               report.rounds, flags.replay);
  }
  return absl::OkStatus();
}

void AddSimulateFlags(CLI::App& command, SimulateFlags& flags) {
  AddConfigFlags(command, flags.config, flags.overrides);
  command
      .add_option("--threads", flags.settings.threads,
                  "Clients that train at a time; 0: one per core")
      ->check(CLI::Range(0, 1024));
  command
      .add_option("--run-dir", flags.settings.run_dir,
                  "Where the run is kept; else runs/<run.name>")
      ->type_name("DIR");
  command
      .add_option("--resume", flags.resume,
                  "Go on with the run in this directory")
      ->type_name("RUN");
  command
      .add_option("--replay", flags.replay,
                  "Repeat the run in this directory, live or simulated, with "
                  "its recorded sets of clients, and compare every model. "
                  "Where a live run's clients have their data, says the "
                  "[simulation] of --config")
      ->type_name("RUN");
  command
      .add_option("--sweep", flags.sweep,
                  "A run for each value, and each combination of several "
                  "--sweep: run.seed=1,2,3")
      ->type_name("KEY=A,B,...")
      ->take_all();
  command
      .add_option("--baseline", flags.baseline,
                  "A yardstick instead: resize=SIZE, ceiling, local, central")
      ->type_name("NAME");
  command.add_flag("--quiet", flags.quiet, "No line for each round");
}

}  // namespace fedgap
