// What a client says about its data's pooled vectors.
#ifndef FEDGAP_COMMON_FEDERATION_POOLED_STATISTICS_H_
#define FEDGAP_COMMON_FEDERATION_POOLED_STATISTICS_H_

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace fedgap {

enum class PooledMode {
  kOff,      // nothing, and no look at the received model for it
  kMean,     // the mean pooled vector of each group
  kClasses,  // that and the mean of each class
};

// "off", "mean", "classes".
std::string_view ToString(PooledMode mode);
StatusOr<PooledMode> PooledModeFromString(std::string_view text);

// The pooled vectors of one resolution group, from one evaluation pass of the
// RECEIVED global model over the local training part. With
// PooledMode::kClasses it covers the samples of the classes that are not
// withheld; from a mean over all of them a withheld class could be computed.
struct GroupPooledStatistics {
  int group = 0;
  std::int64_t count = 0;   // samples, >= min_class_count
  std::vector<float> mean;  // [C]
  // Per class: how many samples, and their mean [classes, C] row by row. Empty
  // unless PooledMode::kClasses. A class with fewer samples than the task's
  // min_class_count has count 0 and a row of zeros: the mean of one sample is
  // that sample.
  std::vector<std::int64_t> class_counts;
  std::vector<float> class_means;

  bool operator==(const GroupPooledStatistics&) const = default;
};

// Ascending by group; only groups that the client holds and does not withhold.
struct PooledStatistics {
  std::vector<GroupPooledStatistics> groups;
  bool operator==(const PooledStatistics&) const = default;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_POOLED_STATISTICS_H_
