// Starts `fedgap-mpi` under mpirun.
#ifndef FEDGAP_CLI_LAUNCH_RANKS_H_
#define FEDGAP_CLI_LAUNCH_RANKS_H_

#include <string>
#include <vector>

#include "cli/run_simulate.h"
#include "common/base/status.h"

namespace fedgap {

struct RankLaunch {
  int ranks = 0;            // 0: no MPI
  std::string mpirun_args;  // words, parted by spaces
  int piece_kib = 0;        // of one MPI call; 0: fedgap-mpi's own default
};

// The command line that starts the ranks; `program` is fedgap-mpi's path.
std::vector<std::string> RankCommand(const RankLaunch& launch,
                                     const SimulateFlags& flags,
                                     const std::string& program);

// Runs it to its end. A signal that asks this process to end (SIGINT, SIGTERM)
// asks the ranks to give the open round up, by SIGUSR1, which mpirun hands on
// to all of them. NOT_FOUND: no mpirun or no fedgap-mpi, with what to install;
// ABORTED: the ranks failed or one of them was lost; what was committed is in
// the run's directory, and the message says how to go on. Before any of that,
// the errors of CheckSimulateFlags.
Status LaunchRanks(const RankLaunch& launch, const SimulateFlags& flags);

}  // namespace fedgap

#endif  // FEDGAP_CLI_LAUNCH_RANKS_H_
