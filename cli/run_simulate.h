// What `fedgap simulate` and each rank of it under MPI have in common.
#ifndef FEDGAP_CLI_RUN_SIMULATE_H_
#define FEDGAP_CLI_RUN_SIMULATE_H_

#include <string>
#include <vector>

#include "common/base/status.h"
#include "sim/interruption.h"
#include "sim/simulation.h"

// NOLINTNEXTLINE(readability-identifier-naming): the library's own name.
namespace CLI {
class App;
}  // namespace CLI

namespace fedgap {

struct SimulateFlags {
  std::string config;
  std::vector<std::string> overrides;
  std::string resume;
  std::string replay;
  SimulationSettings settings;
  bool quiet = false;
  std::vector<std::string> sweep;
  std::string baseline;
};

// Declares the flags, which must outlive the parsing.
void AddSimulateFlags(CLI::App& command, SimulateFlags& flags);

// Whether RunSimulate could begin: the configuration is read and checked, the
// data is not.
Status CheckSimulateFlags(SimulateFlags flags);

// Runs what the flags ask for, a simulation or a sweep, and prints its result.
Status RunSimulate(SimulateFlags flags, const Interruption& interruption);

}  // namespace fedgap

#endif  // FEDGAP_CLI_RUN_SIMULATE_H_
