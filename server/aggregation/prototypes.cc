#include "server/aggregation/prototypes.h"

#include <algorithm>
#include <cstdint>

namespace fedgap {
namespace {

// A weighted mean of vectors that grows one vector at a time.
class RunningMean {
 public:
  explicit RunningMean(std::size_t channels) : sums_(channels, 0.0) {}

  void Add(double weight, std::span<const float> vector) {
    weight_ += weight;
    for (std::size_t k = 0; k < sums_.size(); ++k) {
      sums_[k] += weight * static_cast<double>(vector[k]);
    }
  }
  void Add(double weight, const RunningMean& other) {
    weight_ += weight;
    for (std::size_t k = 0; k < sums_.size(); ++k) {
      sums_[k] += weight * (other.sums_[k] / other.weight_);
    }
  }
  bool empty() const { return weight_ == 0; }
  // Writes to the elements from `out`.
  void Write(float* out) const {
    for (std::size_t k = 0; k < sums_.size(); ++k) {
      out[k] = static_cast<float>(sums_[k] / weight_);
    }
  }

 private:
  std::vector<double> sums_;
  double weight_ = 0;
};

RunningMean MeanOf(const PooledStatistics& pooled, std::size_t channels) {
  RunningMean mean(channels);
  for (const GroupPooledStatistics& group : pooled.groups) {
    mean.Add(static_cast<double>(group.count), group.mean);
  }
  return mean;
}

RunningMean ClassMeanOf(const PooledStatistics& pooled, std::size_t label,
                        std::size_t channels) {
  RunningMean mean(channels);
  for (const GroupPooledStatistics& group : pooled.groups) {
    if (group.class_counts.empty() || group.class_counts[label] == 0) continue;
    mean.Add(static_cast<double>(group.class_counts[label]),
             std::span(group.class_means).subspan(label * channels, channels));
  }
  return mean;
}

bool HasClassMeans(const ClientPooled& client) {
  return std::ranges::any_of(client.pooled->groups, [](const auto& group) {
    return !group.class_counts.empty();
  });
}

}  // namespace

PooledAggregate AggregatePooled(Weighting weighting, int classes, int channels,
                                std::vector<ClientPooled> clients) {
  std::ranges::sort(clients, {}, [](const ClientPooled& client) {
    return client.counts.client;
  });
  std::vector<ClientCounts> counts;
  for (const ClientPooled& client : clients) counts.push_back(client.counts);
  const std::vector<double> shares = ClientShares(weighting, counts);

  const auto width = static_cast<std::size_t>(channels);
  PooledAggregate result;
  RunningMean mean(width);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const RunningMean own = MeanOf(*clients[i].pooled, width);
    if (!own.empty()) mean.Add(shares[i], own);
  }
  if (!mean.empty()) {
    result.mean.resize(width);
    mean.Write(result.mean.data());
  }
  if (std::ranges::none_of(clients, HasClassMeans)) return result;

  const auto labels = static_cast<std::size_t>(classes);
  result.prototypes = {classes, channels,
                       std::vector<float>(labels * width, 0.0f),
                       std::vector<bool>(labels, false)};
  for (std::size_t label = 0; label < labels; ++label) {
    RunningMean prototype(width);
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const RunningMean own = ClassMeanOf(*clients[i].pooled, label, width);
      if (!own.empty()) prototype.Add(shares[i], own);
    }
    if (prototype.empty()) continue;
    result.prototypes.held[label] = true;
    prototype.Write(result.prototypes.means.data() + label * width);
  }
  return result;
}

}  // namespace fedgap
