#include "server/core/cohort_selection.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "common/base/check.h"
#include "common/base/counter_rng.h"

namespace fedgap {

Cohort SelectCohort(const CohortConfig& config, std::uint64_t seed, Round round,
                    std::vector<ClientName> eligible) {
  FEDGAP_CHECK(!eligible.empty());
  FEDGAP_CHECK(std::ranges::is_sorted(eligible));
  const double population = static_cast<double>(eligible.size());
  double target =
      config.size > 0 ? config.size : std::ceil(config.fraction * population);
  target = std::clamp(target, 1.0, population);
  const double selected =
      std::min(std::ceil(config.over_selection * target), population);

  CounterRng rng(seed, RngPurpose::kSelection, {},
                 static_cast<std::uint64_t>(round));
  const std::span<ClientName> all(eligible);
  const auto count = static_cast<std::size_t>(selected);
  // The first `count` steps of a Fisher-Yates shuffle.
  for (std::size_t i = 0; i < count && count < all.size(); ++i) {
    std::swap(all[i], all[i + rng.Below(all.size() - i)]);
  }
  eligible.resize(count);
  std::ranges::sort(eligible);
  return {std::move(eligible), static_cast<int>(target)};
}

}  // namespace fedgap
