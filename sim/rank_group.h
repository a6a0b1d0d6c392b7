// The processes that share the work of a simulation.
#ifndef FEDGAP_SIM_RANK_GROUP_H_
#define FEDGAP_SIM_RANK_GROUP_H_

#include <cstdint>
#include <vector>

#include "common/base/status.h"
#include "server/aggregation/sum_reducer.h"

namespace fedgap {

// Rank 0 is the root: it keeps the run. As with SumReducer all ranks call the
// same functions in the same order, each from one thread. Implementations:
// MpiRankGroup (sim/mpi), and threads as ranks in tests.
class RankGroup : public SumReducer {
 public:
  using Bytes = std::vector<std::uint8_t>;

  virtual int rank() const = 0;  // [0, size)
  virtual int size() const = 0;
  bool is_root() const { return rank() == 0; }

  // The root's bytes, at every rank; those of the others are ignored.
  virtual StatusOr<Bytes> Broadcast(Bytes bytes) = 0;
  // Everybody's bytes by rank, at the root; elsewhere nothing.
  virtual StatusOr<std::vector<Bytes>> Gather(Bytes bytes) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_RANK_GROUP_H_
