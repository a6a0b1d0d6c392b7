#include "server/aggregation/server_optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/base/check.h"

namespace fedgap {
namespace {

Status CheckState(const OptimizerState& state,
                  std::initializer_list<const char*> names,
                  std::size_t elements) {
  if (state.size() != names.size()) {
    return absl::InvalidArgumentError(
        fmt::format("the optimiser's state has {} vectors instead of {}",
                    state.size(), names.size()));
  }
  for (const char* name : names) {
    const auto found = state.find(name);
    if (found == state.end()) {
      return absl::InvalidArgumentError(
          fmt::format("the optimiser's state has no vector '{}': was it "
                      "another strategy's?",
                      name));
    }
    if (found->second.size() != elements) {
      return absl::InvalidArgumentError(fmt::format(
          "vector '{}' of the optimiser's state has {} elements instead of {}",
          name, found->second.size(), elements));
    }
  }
  return absl::OkStatus();
}

// w += learning_rate delta, in double.
class PlainOptimizer final : public ServerOptimizer {
 public:
  PlainOptimizer(double learning_rate, std::size_t elements)
      : learning_rate_(learning_rate), elements_(elements) {}

  void Step(std::span<const float> delta, std::span<float> global) override {
    FEDGAP_CHECK(delta.size() == elements_ && global.size() == elements_);
    for (std::size_t j = 0; j < elements_; ++j) {
      const double step = learning_rate_ * static_cast<double>(delta[j]);
      global[j] = static_cast<float>(static_cast<double>(global[j]) + step);
    }
  }
  OptimizerState state() const override { return {}; }
  Status Restore(const OptimizerState& state) override {
    return CheckState(state, {}, elements_);
  }

 private:
  double learning_rate_;
  std::size_t elements_;
};

// v = momentum v + delta; w += learning_rate v (Hsu et al., "Measuring the
// Effects of Non-Identical Data Distribution", 2019).
class MomentumOptimizer final : public ServerOptimizer {
 public:
  MomentumOptimizer(double learning_rate, double momentum, std::size_t elements)
      : learning_rate_(learning_rate),
        momentum_(momentum),
        velocity_(elements, 0.0f) {}

  void Step(std::span<const float> delta, std::span<float> global) override {
    FEDGAP_CHECK(delta.size() == velocity_.size() &&
                 global.size() == velocity_.size());
    for (std::size_t j = 0; j < velocity_.size(); ++j) {
      const double velocity = momentum_ * static_cast<double>(velocity_[j]) +
                              static_cast<double>(delta[j]);
      velocity_[j] = static_cast<float>(velocity);
      const double step = learning_rate_ * static_cast<double>(velocity_[j]);
      global[j] = static_cast<float>(static_cast<double>(global[j]) + step);
    }
  }
  OptimizerState state() const override { return {{"velocity", velocity_}}; }
  Status Restore(const OptimizerState& state) override {
    FEDGAP_RETURN_IF_ERROR(CheckState(state, {"velocity"}, velocity_.size()));
    velocity_ = state.at("velocity");
    return absl::OkStatus();
  }

 private:
  double learning_rate_;
  double momentum_;
  Parameters velocity_;
};

// m = beta1 m + (1 - beta1) delta; v = beta2 v + (1 - beta2) delta^2;
// w += learning_rate m / (sqrt(v) + tau). As the paper: no bias correction,
// v starts at tau^2.
class AdamOptimizer final : public ServerOptimizer {
 public:
  AdamOptimizer(const AggregationConfig& config, std::size_t elements)
      : config_(config),
        first_(elements, 0.0f),
        second_(elements, static_cast<float>(config.tau * config.tau)) {}

  void Step(std::span<const float> delta, std::span<float> global) override {
    FEDGAP_CHECK(delta.size() == first_.size() &&
                 global.size() == first_.size());
    const double beta1 = config_.beta1;
    const double beta2 = config_.beta2;
    for (std::size_t j = 0; j < first_.size(); ++j) {
      const double d = static_cast<double>(delta[j]);
      first_[j] = static_cast<float>(beta1 * static_cast<double>(first_[j]) +
                                     (1 - beta1) * d);
      second_[j] = static_cast<float>(beta2 * static_cast<double>(second_[j]) +
                                      (1 - beta2) * (d * d));
      const double step =
          config_.server_learning_rate * static_cast<double>(first_[j]) /
          (std::sqrt(static_cast<double>(second_[j])) + config_.tau);
      global[j] = static_cast<float>(static_cast<double>(global[j]) + step);
    }
  }
  OptimizerState state() const override {
    return {{"first_moment", first_}, {"second_moment", second_}};
  }
  Status Restore(const OptimizerState& state) override {
    FEDGAP_RETURN_IF_ERROR(
        CheckState(state, {"first_moment", "second_moment"}, first_.size()));
    first_ = state.at("first_moment");
    second_ = state.at("second_moment");
    return absl::OkStatus();
  }

 private:
  AggregationConfig config_;
  Parameters first_;
  Parameters second_;
};

}  // namespace

std::unique_ptr<ServerOptimizer> MakeServerOptimizer(
    const AggregationConfig& config, std::int64_t elements) {
  const auto size = static_cast<std::size_t>(elements);
  switch (config.strategy) {
    case StrategyKind::kFedAvgM:
      return std::make_unique<MomentumOptimizer>(config.server_learning_rate,
                                                 config.server_momentum, size);
    case StrategyKind::kFedAdam:
      return std::make_unique<AdamOptimizer>(config, size);
    case StrategyKind::kFedAvg:
    case StrategyKind::kMedian:
      break;
  }
  return std::make_unique<PlainOptimizer>(config.server_learning_rate, size);
}

}  // namespace fedgap
