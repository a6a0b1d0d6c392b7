#include "server/core/cohort_selection.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "common/base/check.h"
#include "common/base/counter_rng.h"
#include "common/crypto/sha256.h"

namespace fedgap {

namespace {

// Rounds up, but not by what a product of decimal fractions is too large in
// binary: 0.07 of 100 are 7.
double RoundUp(double value) { return std::ceil(value * (1 - 1e-12)); }

int TargetOf(const CohortConfig& config, std::size_t eligible) {
  const auto population = static_cast<double>(eligible);
  const double target =
      config.size > 0 ? config.size : RoundUp(config.fraction * population);
  return static_cast<int>(std::clamp(target, 1.0, population));
}

}  // namespace

CohortDraw DrawCohort(const CohortConfig& config, std::uint64_t seed,
                      Round round, std::size_t eligible) {
  FEDGAP_CHECK(eligible > 0);
  CohortDraw draw;
  draw.target = TargetOf(config, eligible);
  const double selected = std::min(RoundUp(config.over_selection * draw.target),
                                   static_cast<double>(eligible));
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
  CohortConfig bounded = config;
  bounded.size = std::min(TargetOf(config, eligible.size()), config.max_size);
  const CohortDraw draw = DrawCohort(bounded, seed, round, eligible.size());
  Cohort cohort;
  cohort.target = draw.target;
  for (const std::size_t position : draw.positions) {
    cohort.clients.push_back(eligible[position]);
  }
  return cohort;
}

std::string RosterDigest(const std::vector<ClientName>& eligible) {
  Sha256 digest;
  for (const ClientName& client : eligible) {
    digest.Update(client.value);
    digest.Update("\n");
  }
  return ToHex(digest.Finish());
}

}  // namespace fedgap
