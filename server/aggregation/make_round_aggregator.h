// The aggregator that a configuration asks for.
#ifndef FEDGAP_SERVER_AGGREGATION_MAKE_ROUND_AGGREGATOR_H_
#define FEDGAP_SERVER_AGGREGATION_MAKE_ROUND_AGGREGATOR_H_

#include <cstdint>
#include <memory>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/federation/run_config.h"
#include "server/aggregation/round_aggregator.h"

namespace fedgap {

// For one round of updates of `elements` each; `pool` must outlive it. The
// largest cohort is cohort.size where that is given, else cohort.max_size.
// INVALID_ARGUMENT if the configured bounds leave no exact mean (ScaleFor):
// call it once at start, so that a run refuses at once and not after a round.
StatusOr<std::unique_ptr<RoundAggregator>> MakeRoundAggregator(
    const AggregationConfig& aggregation, const ValidationConfig& validation,
    const CohortConfig& cohort, std::int64_t elements, ThreadPool& pool);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_MAKE_ROUND_AGGREGATOR_H_
