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
  std::filesystem::path run_dir;  // empty: runs/<run.name>
  int threads = 0;                // clients that train at a time; 0: all cores
  bool progress = true;           // a line a round on stdout
};

// Runs the simulation in its directory, or goes on with the one that is there,
// to its end or to an interruption. Either way the directory holds a report,
// which is returned. Errors: the configuration, the data, the directory.
StatusOr<RunReport> RunSimulation(const SimulationDefinition& definition,
                                  const SimulationSettings& settings,
                                  const Interruption& interruption);

// Where RunSimulation keeps the run.
std::filesystem::path RunDirOf(const SimulationDefinition& definition,
                               const SimulationSettings& settings);

}  // namespace fedgap

#endif  // FEDGAP_SIM_SIMULATION_H_
