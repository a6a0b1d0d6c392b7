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

  // Withholds every class with fewer than `min_class_count` samples, in
  // kClasses. `count` and `mean` of a group cover what is not withheld, so that
  // no difference of two of its means gives a withheld class away; a group in
  // which fewer than `min_class_count` samples are left is not reported at all.
  PooledStatistics Report(int min_class_count) const;

 private:
  struct GroupSums {
    std::vector<std::int64_t> counts;  // [classes]
    std::vector<double> sums;          // [classes, C]
  };

  // Adds one class to a group's count and to the `total` of its vectors [C].
  void AddClass(const GroupSums& sums, std::size_t label,
                GroupPooledStatistics& out, std::span<double> total) const;
  GroupPooledStatistics ReportMean(const GroupSums& sums) const;
  GroupPooledStatistics ReportClasses(const GroupSums& sums,
                                      int min_class_count) const;

  PooledMode mode_;
  int classes_;
  int channels_;
  std::map<int, GroupSums> groups_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_POOLED_ACCUMULATOR_H_
