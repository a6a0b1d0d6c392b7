// Pooled vectors, summed up by resolution group and class.
#ifndef FEDGAP_CLIENT_CORE_POOLED_ACCUMULATOR_H_
#define FEDGAP_CLIENT_CORE_POOLED_ACCUMULATOR_H_

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "common/federation/pooled_statistics.h"

namespace fedgap {

// Sums in double in the order of Add. Not thread-safe.
class PooledAccumulator {
 public:
  // `channels` = C, the length of a pooled vector.
  PooledAccumulator(PooledMode mode, int classes, int channels)
      : mode_(mode), classes_(classes), channels_(channels) {}

  // One sample: `pooled` has C elements, `label` is in [0, classes).
  void Add(int group, int label, std::span<const float> pooled);

  // Withholds every class with fewer than `min_class_count` samples.
  PooledStatistics Report(int min_class_count) const;

 private:
  struct GroupSums {
    std::vector<std::int64_t> counts;  // [classes]
    std::vector<double> sums;          // [classes, C]
  };

  PooledMode mode_;
  int classes_;
  int channels_;
  std::map<int, GroupSums> groups_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_POOLED_ACCUMULATOR_H_
