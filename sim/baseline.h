// Yardsticks: what the same data would reach otherwise.
#ifndef FEDGAP_SIM_BASELINE_H_
#define FEDGAP_SIM_BASELINE_H_

#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/federation/run_config.h"
#include "sim/population.h"
#include "sim/simulation_config.h"
#include "sim/sweep.h"

namespace fedgap {

// A baseline as an axis of a sweep:
//   resize=28   every image brought to one size (the everyday rival)
//   ceiling     all clients at one size, each evaluation size in turn
//   local       each client of the roster alone
//   central     one client that holds what all of them hold
// INVALID_ARGUMENT for another name, or one that the configuration leaves no
// room for.
StatusOr<SweepAxis> BaselineAxis(std::string_view text, const RunConfig& run,
                                 const SimulationConfig& simulation);

// What `central` or `only` make of a population; others are passed through.
// NOT_FOUND if there is no client of that name, RESOURCE_EXHAUSTED for a
// population that is too large to be held by one.
StatusOr<std::unique_ptr<Population>> ApplyBaseline(
    const SimulationConfig& simulation, std::unique_ptr<Population> population);

// What a run's configuration becomes: a single client is its own cohort, and
// clients of one size are evaluated at that size.
StatusOr<RunConfig> ApplyBaseline(const SimulationConfig& simulation,
                                  RunConfig run);

}  // namespace fedgap

#endif  // FEDGAP_SIM_BASELINE_H_
