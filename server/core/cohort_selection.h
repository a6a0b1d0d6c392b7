// Who takes part in a round.
#ifndef FEDGAP_SERVER_CORE_COHORT_SELECTION_H_
#define FEDGAP_SERVER_CORE_COHORT_SELECTION_H_

#include <cstddef>
#include <cstdint>
#include <string>
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

// A cohort as positions in the sorted list of the eligible clients.
struct CohortDraw {
  std::vector<std::size_t> positions;  // ascending
  int target = 0;                      // as of Cohort
};

// Draws the cohort of a round from `eligible` > 0 clients: `target` of them
// (config.size, or config.fraction of all, at least one, at most all) and the
// spares of over-selection, without replacement. A pure function of its
// arguments. Time and memory are those of the cohort, however many clients
// there are.
CohortDraw DrawCohort(const CohortConfig& config, std::uint64_t seed,
                      Round round, std::size_t eligible);

// The same as names, with a target of config.max_size at most. `eligible` is
// sorted, so the order in which clients joined has no say; it is not empty.
Cohort SelectCohort(const CohortConfig& config, std::uint64_t seed, Round round,
                    const std::vector<ClientName>& eligible);

// Hex SHA-256 of the names, each ended by a line feed: tells whether two
// cohorts were drawn from the same clients.
std::string RosterDigest(const std::vector<ClientName>& eligible);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_COHORT_SELECTION_H_
