#include "client/core/pooled_accumulator.h"

#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

std::vector<float> MeanOf(std::span<const double> sums, std::int64_t count) {
  std::vector<float> mean;
  for (const double sum : sums) {
    mean.push_back(static_cast<float>(sum / static_cast<double>(count)));
  }
  return mean;
}

}  // namespace

void PooledAccumulator::Add(int group, int label,
                            std::span<const float> pooled) {
  if (mode_ == PooledMode::kOff) return;
  FEDGAP_CHECK(static_cast<int>(pooled.size()) == channels_);
  GroupSums& sums = groups_[group];
  if (sums.counts.empty()) {
    sums.counts.resize(static_cast<std::size_t>(classes_));
    sums.sums.resize(static_cast<std::size_t>(classes_) * pooled.size());
  }
  const auto row = static_cast<std::size_t>(label);
  ++sums.counts[row];
  double* sum = sums.sums.data() + row * pooled.size();
  for (std::size_t c = 0; c < pooled.size(); ++c) sum[c] += double{pooled[c]};
}

PooledStatistics PooledAccumulator::Report(int min_class_count) const {
  PooledStatistics statistics;
  for (const auto& [group, sums] : groups_) {
    GroupPooledStatistics out = mode_ == PooledMode::kClasses
                                    ? ReportClasses(sums, min_class_count)
                                    : ReportMean(sums);
    if (out.count < min_class_count) continue;
    out.group = group;
    statistics.groups.push_back(std::move(out));
  }
  return statistics;
}

void PooledAccumulator::AddClass(const GroupSums& sums, std::size_t label,
                                 GroupPooledStatistics& out,
                                 std::span<double> total) const {
  const double* sum = sums.sums.data() + label * total.size();
  out.count += sums.counts[label];
  for (std::size_t c = 0; c < total.size(); ++c) total[c] += sum[c];
}

GroupPooledStatistics PooledAccumulator::ReportMean(
    const GroupSums& sums) const {
  GroupPooledStatistics out;
  std::vector<double> total(static_cast<std::size_t>(channels_));
  for (std::size_t k = 0; k < sums.counts.size(); ++k) {
    AddClass(sums, k, out, total);
  }
  out.mean = MeanOf(total, out.count);
  return out;
}

GroupPooledStatistics PooledAccumulator::ReportClasses(
    const GroupSums& sums, int min_class_count) const {
  const auto channels = static_cast<std::size_t>(channels_);
  GroupPooledStatistics out;
  out.class_counts.resize(sums.counts.size());
  std::vector<double> total(channels);
  for (std::size_t k = 0; k < sums.counts.size(); ++k) {
    const std::int64_t count = sums.counts[k];
    std::vector<float> mean(channels);
    if (count >= min_class_count && count > 0) {
      out.class_counts[k] = count;
      mean =
          MeanOf(std::span(sums.sums).subspan(k * channels, channels), count);
      AddClass(sums, k, out, total);
    }
    out.class_means.insert(out.class_means.end(), mean.begin(), mean.end());
  }
  if (out.count > 0) out.mean = MeanOf(total, out.count);
  return out;
}

}  // namespace fedgap
