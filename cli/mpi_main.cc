// fedgap-mpi: one rank of `fedgap simulate`, started by mpirun or srun on every
// machine with the same command line. Exit codes as of fedgap.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/run_simulate.h"
#include "common/base/available_cpus.h"
#include "common/base/signal_waiter.h"
#include "common/base/status.h"
#include "common/base/version.h"
#include "common/config/usage_error.h"
#include "sim/mpi/mpi_rank_group.h"

namespace fedgap {
namespace {

// The cores of the machine are shared by its ranks, unless the launcher has
// bound each to its own.
int ThreadsOfRank(int wanted, int ranks_here) {
  if (wanted > 0) return wanted;
  const int allowed = AvailableCpus();
  const int online = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  return allowed < online ? allowed : std::max(1, allowed / ranks_here);
}

std::string Describe(const char* what, const MpiRankGroup::Spent& spent) {
  return fmt::format("{} {:.3f} MB in {:.2f} s", what,
                     static_cast<double>(spent.bytes) / 1e6, spent.seconds);
}

// Where the root's time went that was not its own work.
void PrintTraffic(const MpiRankGroup& ranks) {
  const MpiRankGroup::Traffic& traffic = ranks.traffic();
  fmt::print("ranks: {}; the root waited {:.2f} s for others, {}, {}, {}\n",
             ranks.size(), traffic.waited_seconds,
             Describe("broadcast", traffic.broadcast),
             Describe("gathered", traffic.gathered),
             Describe("summed", traffic.summed));
}

Status RunRank(SimulateFlags flags, MpiRankGroup& ranks,
               const Interruption& interruption) {
  flags.settings.threads =
      ThreadsOfRank(flags.settings.threads, ranks.ranks_here());
  if (!ranks.is_root()) {
    return ServeSimulations(ranks, flags.settings.threads, interruption);
  }
  flags.settings.ranks = &ranks;
  Status simulated = RunSimulate(std::move(flags), interruption);
  FEDGAP_RETURN_IF_ERROR(EndSimulations(ranks));
  if (simulated.ok()) PrintTraffic(ranks);
  return simulated;
}

int Run(int argc, char** argv) {
  CLI::App app("One rank of a simulation; mpirun starts it.", "fedgap-mpi");
  app.set_version_flag("--version", SoftwareVersion());
  app.failure_message(DescribeUsageError);
  SimulateFlags flags;
  AddSimulateFlags(app, flags);
  std::size_t piece_kib = 4096;
  app.add_option("--piece-kib", piece_kib,
                 "What is summed or sent in one MPI call, KiB")
      ->check(CLI::Range(1, 1 << 20));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : kUsageExitCode;
  }
  // Before MPI's threads. mpirun hands SIGUSR1 on to all ranks.
  Interruption interruption;
  const SignalWaiter signals(
      [&interruption](int signal) {
        interruption.Request(signal == SIGUSR1 ? "interrupted"
                                               : DescribeInterruption(signal));
      },
      {SIGINT, SIGTERM, SIGUSR1});
  auto ranks = MpiRankGroup::Create({.piece_bytes = piece_kib << 10});
  if (!ranks.ok()) {
    fmt::print(stderr, "fedgap-mpi: {}\n", MessageOf(ranks.status()));
    return kFailedExitCode;
  }
  const Status status = RunRank(std::move(flags), **ranks, interruption);
  if (status.ok()) return 0;
  fmt::print(stderr, "fedgap-mpi: rank {}: {}\n", (*ranks)->rank(),
             MessageOf(status));
  // The others wait for a rank that cannot answer; after the root's own errors
  // all of them are at their end.
  if (!(*ranks)->is_root()) (*ranks)->Abort(kFailedExitCode);
  return ExitCodeOf(status);
}

}  // namespace
}  // namespace fedgap

// What CLI11 throws while options are declared is a mistake in this file.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) { return fedgap::Run(argc, argv); }
