// A sweep from its axes to its table.
#ifndef FEDGAP_SIM_RUN_SWEEP_H_
#define FEDGAP_SIM_RUN_SWEEP_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/config/config_schema.h"
#include "sim/interruption.h"
#include "sim/simulation.h"
#include "sim/sweep.h"

namespace fedgap {

// A run of a sweep that begins now.
struct SweepStep {
  std::string directory;   // its name
  std::size_t number = 0;  // from 1
  std::size_t count = 0;   // of the sweep's runs
};

struct SweepPlan {
  ConfigSources sources;  // of every run, before an axis changes it
  std::vector<SweepAxis> axes;
  // Called before each run.
  std::function<void(const SweepStep&)> on_run = {};
};

// Runs every point of the grid below settings.run_dir and keeps
// settings.run_dir/sweep.csv and summary.txt up to date after each. A point
// whose directory holds a finished run is not run again, one that was
// interrupted goes on; so an interrupted sweep is continued by the same call.
// Every configuration is checked before the first run. The errors of
// ParseSimulation and RunSimulation; CANCELLED if it was interrupted.
StatusOr<std::vector<SweepResult>> RunSweep(const SweepPlan& plan,
                                            const SimulationSettings& settings,
                                            const Interruption& interruption);

}  // namespace fedgap

#endif  // FEDGAP_SIM_RUN_SWEEP_H_
