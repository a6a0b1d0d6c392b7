// `fedgap simulate --config FILE`: a whole federation in this process, or in
// several of them.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstring>
#include <memory>
#include <string>

#include "cli/commands.h"
#include "cli/launch_ranks.h"
#include "cli/run_simulate.h"
#include "common/base/signal_waiter.h"

namespace fedgap {
namespace {

Status SimulateHere(const SimulateFlags& flags) {
  // Before any other thread.
  Interruption interruption;
  const SignalWaiter signals([&interruption](int signal) {
    interruption.Request(DescribeInterruption(signal));
  });
  return RunSimulate(flags, interruption);
}

}  // namespace

void AddSimulateCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "simulate", "A whole federation in this process, without sockets.");
  auto flags = std::make_shared<SimulateFlags>();
  auto launch = std::make_shared<RankLaunch>();
  AddSimulateFlags(*command, *flags);
  CLI::Option* const ranks =
      command
          ->add_option("--ranks", launch->ranks,
                       "Share the work among so many processes (MPI); the same "
                       "answer")
          ->check(CLI::Range(1, 65536));
  command
      ->add_option("--mpirun-args", launch->mpirun_args,
                   "More for mpirun, in one word: \"--hostfile hosts\"")
      ->type_name("ARGS");
  command
      ->add_option("--piece-kib", launch->piece_kib,
                   "With --ranks: what is summed or sent in one MPI call, KiB")
      ->check(CLI::Range(1, 1 << 20))
      ->needs(ranks);
  command->footer(
      "Ctrl-C gives the open round up; --resume goes on. docs/SIMULATION.md "
      "has\nmore.\n"
      "Exit codes: 0 done or left off by Ctrl-C, 1 failed, 2 wrong usage.\n\n"
      "Examples:\n"
      "  fedgap simulate --config examples/simulate/quick.toml\n"
      "  fedgap simulate --config examples/simulate/quick.toml --sweep "
      "aggregation.weighting=client,pixels\n"
      "  fedgap simulate --resume runs/quick\n"
      "  fedgap simulate --replay runs/first");
  command->callback([flags, launch, &selected] {
    selected = [flags, launch] {
      return launch->ranks > 0 ? LaunchRanks(*launch, *flags)
                               : SimulateHere(*flags);
    };
  });
}

}  // namespace fedgap
