#include "common/federation/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace fedgap {

std::vector<GroupMetrics> SumByGroup(
    const std::vector<const std::vector<GroupMetrics>*>& parts) {
  std::map<int, BatchMetrics> sums;
  for (const auto* part : parts) {
    for (const GroupMetrics& group : *part) sums[group.group] += group.sums;
  }
  std::vector<GroupMetrics> groups;
  for (const auto& [group, sum] : sums) groups.push_back({group, sum});
  return groups;
}

FairnessSummary Summarize(const std::vector<GroupMetrics>& groups) {
  std::vector<double> accuracies;
  for (const GroupMetrics& group : groups) {
    if (group.sums.count > 0) accuracies.push_back(group.sums.accuracy());
  }
  FairnessSummary summary;
  if (accuracies.empty()) return summary;

  const double n = static_cast<double>(accuracies.size());
  double sum = 0;
  double sum_of_squares = 0;
  for (const double accuracy : accuracies) {
    sum += accuracy;
    sum_of_squares += accuracy * accuracy;
  }
  summary.mean = sum / n;
  const auto [least, most] = std::ranges::minmax(accuracies);
  summary.worst = least;
  summary.gap = most - least;
  double variance = 0;
  for (const double accuracy : accuracies) {
    variance += (accuracy - summary.mean) * (accuracy - summary.mean) / n;
  }
  summary.stddev = std::sqrt(variance);
  // Groups that are all at zero are as even as any.
  summary.jain = sum_of_squares > 0 ? sum * sum / (n * sum_of_squares) : 1.0;
  return summary;
}

}  // namespace fedgap
