// Who takes part in a round.
#ifndef FEDGAP_SERVER_CORE_COHORT_SELECTION_H_
#define FEDGAP_SERVER_CORE_COHORT_SELECTION_H_

#include <cstdint>
#include <vector>

#include "common/federation/ids.h"
#include "common/federation/run_config.h"

namespace fedgap {

struct Cohort {
  std::vector<ClientName> clients;  // sorted
  // The round closes when this many updates are in; fewer than clients.size()
  // where over-selection asked for spares.
  int target = 0;
};

// Draws the cohort of a round: `target` clients (config.size, or
// config.fraction of `eligible`, at least one, at most all) and the spares of
// over-selection, without replacement. A pure function of its arguments:
// `eligible` is sorted, so the order in which clients joined has no say.
// `eligible` is not empty.
Cohort SelectCohort(const CohortConfig& config, std::uint64_t seed, Round round,
                    std::vector<ClientName> eligible);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_COHORT_SELECTION_H_
