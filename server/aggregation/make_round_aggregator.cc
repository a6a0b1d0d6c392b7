#include "server/aggregation/make_round_aggregator.h"

#include <algorithm>

#include "server/aggregation/mean_aggregator.h"
#include "server/aggregation/median_aggregator.h"

namespace fedgap {

StatusOr<std::unique_ptr<RoundAggregator>> MakeRoundAggregator(
    const AggregationConfig& aggregation, const ValidationConfig& validation,
    const CohortConfig& cohort, std::int64_t elements, ThreadPool& pool) {
  const std::int64_t largest = cohort.size > 0 ? cohort.size : cohort.max_size;
  if (aggregation.strategy == StrategyKind::kMedian) {
    return std::make_unique<MedianAggregator>(
        elements, std::min<std::int64_t>(largest, aggregation.upload_slots),
        validation, pool);
  }
  FEDGAP_ASSIGN_OR_RETURN(
      std::unique_ptr<MeanAggregator> mean,
      MeanAggregator::Create({.weighting = aggregation.weighting,
                              .validation = validation,
                              .max_count = largest,
                              .elements = elements},
                             pool));
  return mean;
}

}  // namespace fedgap
