// Setting samples aside, so that they are never trained on.
#ifndef FEDGAP_COMMON_DATA_HELD_OUT_H_
#define FEDGAP_COMMON_DATA_HELD_OUT_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/counter_rng.h"
#include "common/data/data_source.h"

namespace fedgap {

// Two disjoint sets of positions, each ascending, that cover the source.
struct HeldOutSplit {
  std::vector<std::uint32_t> training;
  std::vector<std::uint32_t> held_out;
};

// Holds out about `fraction` (in [0, 1)) of every class, drawn from `rng`. The
// samples of a track go to one side together, so the shares are those that
// whole tracks allow.
//
// Of each class at least one sample (one track) stays in training, so training
// is never empty. Of a class that is too small for its share to round to a
// sample none is held out; what rounding leaves over is carried to the next
// class, so that the whole comes within a sample (half a track) of the
// fraction. A set of fewer than 1 / (2 fraction) samples, or of one sample a
// class, has an empty held-out part: callers must allow for it.
HeldOutSplit SplitStratified(const DataSource& data, double fraction,
                             CounterRng rng);

// A client's own held-out part: a function of its data, the run's seed and the
// client's name alone, the same in every round and after a restart.
HeldOutSplit SplitHeldOut(const DataSource& data, double fraction,
                          std::uint64_t seed, std::string_view client);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_HELD_OUT_H_
