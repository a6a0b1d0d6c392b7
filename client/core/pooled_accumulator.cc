#include "client/core/pooled_accumulator.h"

#include "common/base/check.h"

namespace fedgap {

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
  const auto channels = static_cast<std::size_t>(channels_);
  const auto classes = static_cast<std::size_t>(classes_);
  PooledStatistics statistics;
  for (const auto& [group, sums] : groups_) {
    GroupPooledStatistics out;
    out.group = group;
    std::vector<double> total(channels);
    if (mode_ == PooledMode::kClasses) {
      out.class_counts.resize(classes);
      out.class_means.resize(classes * channels);
    }
    for (std::size_t k = 0; k < classes; ++k) {
      const std::int64_t count = sums.counts[k];
      const double* sum = sums.sums.data() + k * channels;
      out.count += count;
      for (std::size_t c = 0; c < channels; ++c) total[c] += sum[c];
      if (mode_ != PooledMode::kClasses || count < min_class_count ||
          count == 0) {
        continue;
      }
      out.class_counts[k] = count;
      for (std::size_t c = 0; c < channels; ++c) {
        out.class_means[k * channels + c] =
            static_cast<float>(sum[c] / static_cast<double>(count));
      }
    }
    out.mean.resize(channels);
    for (std::size_t c = 0; c < channels; ++c) {
      out.mean[c] =
          static_cast<float>(total[c] / static_cast<double>(out.count));
    }
    statistics.groups.push_back(std::move(out));
  }
  return statistics;
}

}  // namespace fedgap
