// What each update counts for (DESIGN.md section 2).
#ifndef FEDGAP_SERVER_AGGREGATION_WEIGHTING_H_
#define FEDGAP_SERVER_AGGREGATION_WEIGHTING_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/influence.h"
#include "common/federation/run_config.h"
#include "common/federation/update.h"
#include "server/aggregation/exact_accumulator.h"

namespace fedgap {

// Real weights are rounded to multiples of 2^-20.
inline constexpr std::int64_t kWeightOne = 1 << 20;

// The bins that a weighting needs: one, or one a resolution group.
int BinCount(Weighting weighting);

// The largest weight that an update within `validation` can have in a bin;
// the largest int64 where the product of its bounds is larger.
std::int64_t MaxWeight(Weighting weighting, const ValidationConfig& validation);

// INVALID_ARGUMENT, naming the cause, unless groups ascend within
// ResolutionGroups::kMaxGroups, every group has at least one sample and one
// pixel a sample, and the totals are within `validation`.
Status CheckCounts(std::span<const GroupCounts> counts,
                   const ValidationConfig& validation);

// The integer weights of one update, known from it alone:
//   client   1                    samples  n_i
//   pixels   the pixel total      group    rint(2^20 n_ig / n_i) in bin g
// A group that would round to nothing has no weight. The errors of
// CheckCounts.
StatusOr<std::vector<BinWeight>> WeightsOf(Weighting weighting,
                                           std::span<const GroupCounts> counts,
                                           const ValidationConfig& validation);

// What the weights of one client are computed from.
struct ClientCounts {
  ClientName client;
  std::vector<GroupCounts> counts;  // CheckCounts holds
};

// The clients' shares w_i of the total weight, in the given order; they sum to
// 1 but for rounding. For `group`, w_i = (1 / G) sum_g m_ig / S_g over the G
// groups that hold any weight. Computed in double in the order of the clients:
// sort them by name for the same bits in any order of arrival.
std::vector<double> ClientShares(Weighting weighting,
                                 std::span<const ClientCounts> clients);

// What stands in a round's report.
struct Influence {
  std::vector<ClientInfluence> clients;  // ascending by name
  // Ascending by group: sum_i w_i n_ig / n_i, and the same under kPixels.
  std::vector<GroupInfluence> groups;
};
Influence InfluenceOf(Weighting weighting, std::vector<ClientCounts> clients);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_WEIGHTING_H_
