#include "server/core/cohort_selection.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "common/base/check.h"
#include "common/base/counter_rng.h"

namespace fedgap {

CohortDraw DrawCohort(const CohortConfig& config, std::uint64_t seed,
                      Round round, std::size_t eligible) {
  FEDGAP_CHECK(eligible > 0);
  const auto population = static_cast<double>(eligible);
  double target =
      config.size > 0 ? config.size : std::ceil(config.fraction * population);
  target = std::clamp(target, 1.0, population);
  const double selected =
      std::min(std::ceil(config.over_selection * target), population);

  CohortDraw draw;
  draw.target = static_cast<int>(target);
  CounterRng rng(seed, RngPurpose::kSelection, {},
                 static_cast<std::uint64_t>(round));
  // The first steps of a Fisher-Yates shuffle of 0, 1, 2, ...; `moved` holds
  // the positions that are no longer their own index.
  std::unordered_map<std::size_t, std::size_t> moved;
  const auto at = [&moved](std::size_t i) {
    const auto found = moved.find(i);
    return found == moved.end() ? i : found->second;
  };
  const auto count = static_cast<std::size_t>(selected);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t other = i + rng.Below(eligible - i);
    draw.positions.push_back(at(other));
    moved[other] = at(i);
  }
  std::ranges::sort(draw.positions);
  return draw;
}

Cohort SelectCohort(const CohortConfig& config, std::uint64_t seed, Round round,
                    const std::vector<ClientName>& eligible) {
  FEDGAP_CHECK(std::ranges::is_sorted(eligible));
  const CohortDraw draw = DrawCohort(config, seed, round, eligible.size());
  Cohort cohort;
  cohort.target = draw.target;
  for (const std::size_t position : draw.positions) {
    cohort.clients.push_back(eligible[position]);
  }
  return cohort;
}

}  // namespace fedgap
