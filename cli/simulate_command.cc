// `fedgap simulate --config FILE`: a whole federation in this process.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.h"
#include "common/base/signal_waiter.h"
#include "common/config/command_line.h"
#include "common/federation/model_id.h"
#include "server/store/recorded_run.h"
#include "sim/simulation.h"

namespace fedgap {
namespace {

struct SimulateFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::string resume;
  SimulationSettings settings;
  bool quiet = false;
};

StatusOr<SimulationDefinition> ReadDefinition(const SimulateFlags& flags) {
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
  ConfigSources stored;
  stored.file_name = flags.resume + "/config.toml";
  FEDGAP_ASSIGN_OR_RETURN(stored.file_text, StoredConfig(flags.resume));
  return ParseSimulation(stored);
}

Status RunSimulate(SimulateFlags flags) {
  // Before any other thread.
  Interruption interruption;
  const SignalWaiter signals([&interruption](int signal) {
    interruption.Request(::strsignal(signal));
  });
  FEDGAP_ASSIGN_OR_RETURN(const SimulationDefinition definition,
                          ReadDefinition(flags));
  flags.settings.progress = !flags.quiet;
  if (!flags.resume.empty()) flags.settings.run_dir = flags.resume;
  FEDGAP_ASSIGN_OR_RETURN(
      const RunReport report,
      RunSimulation(definition, flags.settings, interruption));
  const std::string directory = RunDirOf(definition, flags.settings).string();
  if (flags.quiet) {
    fmt::print("model_sha256 {}\n", ToHex(report.model_sha256));
  } else {
    fmt::print("\n{}", ToTable(report));
  }
  fmt::print("run directory: {}\n", directory);
  if (interruption.requested()) {
    fmt::print("go on with it: fedgap simulate --resume {}\n", directory);
  }
  return absl::OkStatus();
}

}  // namespace

void AddSimulateCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "simulate", "A whole federation in this process, without sockets.");
  auto flags = std::make_shared<SimulateFlags>();
  AddConfigFlags(*command, flags->config, flags->overrides);
  command
      ->add_option("--threads", flags->settings.threads,
                   "Clients that train at a time; 0: one per core")
      ->check(CLI::Range(0, 1024));
  command
      ->add_option("--run-dir", flags->settings.run_dir,
                   "Where the run is kept; else runs/<run.name>")
      ->type_name("DIR");
  command
      ->add_option("--resume", flags->resume,
                   "Go on with the run in this directory")
      ->type_name("RUN");
  command->add_flag("--quiet", flags->quiet, "No line for each round");
  command->callback([flags, &selected] {
    selected = [flags] { return RunSimulate(*flags); };
  });
}

}  // namespace fedgap
