#include <algorithm>
#include <vector>

#include "common/base/check.h"
#include "common/nn/engine.h"
#include "common/nn/execution_plan.h"
#include "common/nn/graph_passes.h"
#include "common/nn/kernels/kernels.h"
#include "common/nn/softmax_cross_entropy.h"
#include "common/nn/workspace.h"
#include "common/tensor/parameters.h"

namespace fedgap {

class GradientEngine::Impl {
 public:
  Impl(const Model& model, ThreadPool& pool, const Options& options)
      : plan_(model, options.precision),
        pool_(pool),
        shards_(options.shards),
        kernels_(kernels::KernelsFor(options.isa.value_or(kernels::BestIsa()))),
        observer_(options.observer),
        packed_(plan_.packed_elements()),
        gradients_(static_cast<std::size_t>(options.shards)),
        metrics_(static_cast<std::size_t>(options.shards)) {
    FEDGAP_CHECK(options.shards >= 1);
    for (int thread = 0; thread < pool.threads(); ++thread) {
      workspaces_.emplace_back(plan_, /*with_gradients=*/true);
    }
  }

  BatchMetrics Compute(std::span<const float> parameters,
                       std::span<const Example> batch,
                       std::span<float> gradient) {
    FEDGAP_CHECK(!batch.empty() && gradient.size() == parameters.size());
    plan_.Pack(parameters, /*with_backward=*/true, packed_);
    Ended(EnginePhase::kPackWeights);
    const int shards = std::min(shards_, static_cast<int>(batch.size()));
    pool_.ParallelFor(shards, [&](int shard, int thread) {
      RunShard(static_cast<std::size_t>(shard), batch,
               workspaces_[static_cast<std::size_t>(thread)]);
    });
    const auto count = static_cast<std::size_t>(shards);
    AddShards(count);
    plan_.UnpackGradient(gradients_[0], gradient);
    Ended(EnginePhase::kCollectGradient);
    BatchMetrics total;
    for (std::size_t s = 0; s < count; ++s) total += metrics_[s];
    return total;
  }

  std::size_t scratch_bytes() const {
    std::size_t bytes = packed_.capacity() * sizeof(float);
    for (const Parameters& shard : gradients_) {
      bytes += shard.capacity() * sizeof(float);
    }
    for (const Workspace& workspace : workspaces_) bytes += workspace.bytes();
    return bytes;
  }

 private:
  void Ended(EnginePhase phase) const {
    if (observer_ != nullptr) observer_->OnPhaseEnd(phase, nullptr);
  }

  void RunShard(std::size_t shard, std::span<const Example> batch,
                Workspace& workspace) {
    Parameters& gradient = gradients_[shard];
    gradient.resize(plan_.gradient_elements());
    metrics_[shard] = {};
    const float weight = 1.0f / static_cast<float>(batch.size());
    const int logits_value = static_cast<int>(plan_.values().size()) - 1;
    const auto classes = static_cast<std::size_t>(plan_.model().classes());
    const GraphPasses passes{plan_, kernels_, packed_, observer_};
    for (std::size_t j = shard; j < batch.size();
         j += static_cast<std::size_t>(shards_)) {
      RunForward(passes, batch[j].image, workspace);
      metrics_[shard] += SoftmaxCrossEntropy(
          kernels_, {workspace.value(logits_value).data, classes},
          batch[j].label, weight,
          {workspace.gradient(logits_value).data, classes});
      Ended(EnginePhase::kLoss);
      RunBackward(passes, workspace, /*accumulate=*/j != shard, gradient);
    }
  }

  // Into the first, as a binary tree that depends on the count alone; a stretch
  // that the cache holds at a time, so that each shard is read once.
  void AddShards(std::size_t count) {
    const auto elements = static_cast<std::ptrdiff_t>(gradients_[0].size());
    for (std::ptrdiff_t at = 0; at < elements; at += kStretch) {
      const std::ptrdiff_t stretch = std::min(kStretch, elements - at);
      for (std::size_t step = 1; step < count; step *= 2) {
        for (std::size_t i = 0; i + step < count; i += 2 * step) {
          kernels_.add_vectors(stretch, gradients_[i + step].data() + at,
                               gradients_[i].data() + at);
        }
      }
    }
  }

  static constexpr std::ptrdiff_t kStretch = 2048;

  ExecutionPlan plan_;
  ThreadPool& pool_;
  int shards_;
  const kernels::Kernels& kernels_;
  EngineObserver* observer_;
  Parameters packed_;
  std::vector<Parameters> gradients_;  // packed, one a shard
  std::vector<BatchMetrics> metrics_;  // one a shard
  std::vector<Workspace> workspaces_;  // one a thread
};

GradientEngine::GradientEngine(const Model& model, ThreadPool& pool,
                               Options options)
    : impl_(std::make_unique<Impl>(model, pool, options)) {}

GradientEngine::~GradientEngine() = default;

BatchMetrics GradientEngine::Compute(std::span<const float> parameters,
                                     std::span<const Example> batch,
                                     std::span<float> gradient) {
  return impl_->Compute(parameters, batch, gradient);
}

std::size_t GradientEngine::scratch_bytes() const {
  return impl_->scratch_bytes();
}

}  // namespace fedgap
