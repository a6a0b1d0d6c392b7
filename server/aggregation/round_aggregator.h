// Combines the updates of one round.
#ifndef FEDGAP_SERVER_AGGREGATION_ROUND_AGGREGATOR_H_
#define FEDGAP_SERVER_AGGREGATION_ROUND_AGGREGATOR_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/federation/influence.h"
#include "common/federation/pooled_statistics.h"
#include "common/tensor/parameters.h"
#include "server/aggregation/contribution.h"
#include "server/aggregation/sum_reducer.h"
#include "server/aggregation/weighting.h"

namespace fedgap {

// The combination of a round's updates, before the server optimiser.
struct Aggregate {
  Parameters delta;                               // federated range
  std::vector<ClientInfluence> client_influence;  // ascending by name
  std::vector<GroupInfluence> group_influence;    // ascending by group
};

// One round's updates, combined in any order of arrival to the same bits.
// Implementations: MeanAggregator (exact integer accumulation under a
// Weighting), MedianAggregator (coordinate-wise, needs all updates at once).
// Not thread-safe: one thread feeds it; it may use a pool inside.
class RoundAggregator {
 public:
  virtual ~RoundAggregator() = default;

  // Whether Accumulate is done with a contribution's delta when it returns. If
  // not, the delta must stay readable until Report.
  virtual bool streams() const = 0;

  // Takes updates, at best four together. An update that cannot be read
  // (DATA_LOSS, UNAVAILABLE) or whose weight is zero or out of bounds
  // (INVALID_ARGUMENT) leaves the aggregator as if the call had not been made.
  virtual Status Accumulate(std::span<const Contribution> contributions) = 0;

  // Merges what several processes accumulated into the root's aggregator: each
  // calls it at the same time (ExactAccumulator::Reduce). `elsewhere` are the
  // clients whose updates the others took, at the root; empty at the others,
  // which are void afterwards. FAILED_PRECONDITION unless it streams.
  virtual Status Reduce(SumReducer& reducer, bool is_root,
                        std::span<const ClientCounts> elsewhere) = 0;

  virtual int count() const = 0;

  // FAILED_PRECONDITION if there is no contribution. The last call: the memory
  // of what was accumulated is gone afterwards.
  virtual StatusOr<Aggregate> Report() = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_ROUND_AGGREGATOR_H_
