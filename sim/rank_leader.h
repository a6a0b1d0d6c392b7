// The root's side of a simulation that several processes share.
#ifndef FEDGAP_SIM_RANK_LEADER_H_
#define FEDGAP_SIM_RANK_LEADER_H_

#include <cstddef>
#include <vector>

#include "common/base/status.h"
#include "server/aggregation/sum_reducer.h"
#include "sim/population.h"
#include "sim/rank_group.h"
#include "sim/rank_messages.h"

namespace fedgap {

// Clients, as positions in the population, for each of `parts` workers: each
// gets about the same number of pixels, whatever the order of `clients`.
std::vector<std::vector<std::size_t>> ShareOut(
    const Population& population, const std::vector<std::size_t>& clients,
    int parts);

// Hands work to the other ranks (RankWorker answers) and collects what they
// made of it. Without a group it is alone: everything is the root's own part
// and there is nothing to collect. Each HandOut is followed by Collect, and
// after training by AskForSums or Drop. Not thread-safe.
class RankLeader {
 public:
  using Clients = std::vector<std::size_t>;

  // `ranks` may be null, else it must outlive the leader.
  explicit RankLeader(RankGroup* ranks) : ranks_(ranks) {}
  // The run is over for the other ranks.
  ~RankLeader();
  RankLeader(const RankLeader&) = delete;
  RankLeader& operator=(const RankLeader&) = delete;

  bool alone() const { return ranks_ == nullptr || ranks_->size() == 1; }
  int size() const { return alone() ? 1 : ranks_->size(); }

  // Sends `order` with each rank's share of `clients`; returns the root's own.
  StatusOr<Clients> HandOut(RankOrder order, const Population& population,
                            const Clients& clients);
  // All answers together. The first error of a rank, which it names.
  StatusOr<RankAnswer> Collect();
  // The others begin to send their sums: Reduce of the root's aggregator must
  // follow, by reducer().
  Status AskForSums();
  Status Drop();
  SumReducer& reducer() { return *ranks_; }

 private:
  Status Say(const RankOrder& order);

  RankGroup* ranks_;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_RANK_LEADER_H_
