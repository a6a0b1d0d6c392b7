// Accuracy and loss per resolution group.
#ifndef FEDGAP_COMMON_FEDERATION_METRICS_H_
#define FEDGAP_COMMON_FEDERATION_METRICS_H_

#include <vector>

#include "common/nn/batch_metrics.h"

namespace fedgap {

// The sums of one resolution group.
struct GroupMetrics {
  int group = 0;
  BatchMetrics sums;
  bool operator==(const GroupMetrics&) const = default;
};

// The sums of all parts by group, ascending.
std::vector<GroupMetrics> SumByGroup(
    const std::vector<const std::vector<GroupMetrics>*>& parts);

// How evenly accuracy is spread over groups. Unweighted over the groups that
// hold samples: a group counts the same however many samples it has.
struct FairnessSummary {
  double mean = 0;
  double worst = 0;
  double gap = 0;     // max - min
  double stddev = 0;  // population
  double jain = 1;    // (sum x)^2 / (n sum x^2) (Jain et al., 1984)
  bool operator==(const FairnessSummary&) const = default;
};
FairnessSummary Summarize(const std::vector<GroupMetrics>& groups);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_METRICS_H_
