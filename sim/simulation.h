// `fedgap simulate` from its configuration to its report.
#ifndef FEDGAP_SIM_SIMULATION_H_
#define FEDGAP_SIM_SIMULATION_H_

#include <filesystem>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/config/config_schema.h"
#include "common/federation/run_config.h"
#include "common/telemetry/report.h"
#include "sim/interruption.h"
#include "sim/population.h"
#include "sim/rank_group.h"
#include "sim/simulation_config.h"

namespace fedgap {

// What a simulated run is. The rest (threads, directory) changes no bit of it.
struct SimulationDefinition {
  RunConfig run;
  SimulationConfig simulation;
};

// Reads [simulation] beside the sections of a run. INVALID_ARGUMENT lists every
// mistake (see ConfigSchema::Load and Validate).
StatusOr<SimulationDefinition> ParseSimulation(const ConfigSources& sources);
// Every key with its value; ParseSimulation of it gives the same definition.
std::string ToToml(const SimulationDefinition& definition);

// The clients that the configuration describes, their images in the given
// form. INVALID_ARGUMENT if it describes none, or both kinds.
StatusOr<std::unique_ptr<Population>> MakePopulation(
    const SimulationConfig& config, const SharedForm& form);

struct SimulationSettings {
  // The processes that share the work, of which this is the root; null: none.
  // The others call ServeSimulations.
  RankGroup* ranks = nullptr;
  // Empty: runs/<run.name>; of a replay runs/<the recorded run's id>-replay.
  std::filesystem::path run_dir;
  int threads = 0;       // clients that train at a time; 0: all cores
  bool progress = true;  // a line a round on stdout
  // The directory of a run to repeat with its recorded sets of clients; empty:
  // none. What the definition says of behaviour is passed over.
  std::filesystem::path replay = {};
};

// Runs the simulation in its directory, or goes on with the one that is there,
// to its end or to an interruption. Either way the directory holds a report,
// which is returned. Errors: the configuration, the data, the directory; of a
// replay also those of ReadRecordedRounds and Replay; FAILED_PRECONDITION names
// a rank that has other data or another version of the program.
StatusOr<RunReport> RunSimulation(const SimulationDefinition& definition,
                                  const SimulationSettings& settings,
                                  const Interruption& interruption);

// What a rank that is not the root does: its share of every simulation that the
// root runs, until EndSimulations. The configuration comes from the root, the
// data is read here. `threads` clients train at a time (0: all cores). Errors:
// the data; the group.
Status ServeSimulations(RankGroup& ranks, int threads,
                        const Interruption& interruption);
// From the root: no more follow.
Status EndSimulations(RankGroup& ranks);

// Where RunSimulation keeps the run. NOT_FOUND if there is none to replay.
StatusOr<std::filesystem::path> RunDirOf(const SimulationDefinition& definition,
                                         const SimulationSettings& settings);

}  // namespace fedgap

#endif  // FEDGAP_SIM_SIMULATION_H_
