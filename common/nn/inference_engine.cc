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
namespace {

// Copies a vector value's channels to row `index` of `rows`, unless that is
// empty.
void CopyRow(const kernels::FeatureMap& value, std::size_t index,
             std::span<float> rows) {
  if (rows.empty()) return;
  const auto channels = static_cast<std::size_t>(value.channels);
  std::copy_n(value.data, channels, rows.data() + index * channels);
}

bool EmptyOrRows(std::span<float> rows, std::size_t count, int width) {
  return rows.empty() || rows.size() == count * static_cast<std::size_t>(width);
}

}  // namespace

class InferenceEngine::Impl {
 public:
  Impl(const Model& model, ThreadPool& pool, kernels::Isa isa)
      : plan_(model),
        pool_(pool),
        kernels_(kernels::KernelsFor(isa)),
        packed_(plan_.packed_elements()) {
    for (int thread = 0; thread < pool.threads(); ++thread) {
      workspaces_.emplace_back(plan_, /*with_gradients=*/false);
    }
  }

  void Load(std::span<const float> parameters) {
    plan_.Pack(parameters, /*with_backward=*/false, packed_);
    loaded_ = true;
  }

  void Run(std::span<const ImageView> images, std::span<float> logits,
           std::span<float> pooled) {
    const Model& model = plan_.model();
    FEDGAP_CHECK(loaded_);
    FEDGAP_CHECK(EmptyOrRows(logits, images.size(), model.classes()));
    FEDGAP_CHECK(EmptyOrRows(pooled, images.size(), model.pooled_channels()));
    const int logits_value = static_cast<int>(plan_.values().size()) - 1;
    pool_.ParallelFor(
        static_cast<int>(images.size()), [&](int index, int thread) {
          const auto i = static_cast<std::size_t>(index);
          Workspace& workspace = workspaces_[static_cast<std::size_t>(thread)];
          RunForward({plan_, kernels_, packed_}, images[i], workspace);
          CopyRow(workspace.value(logits_value), i, logits);
          CopyRow(workspace.value(plan_.pooled_value()), i, pooled);
        });
  }

  std::size_t scratch_bytes() const {
    std::size_t bytes = packed_.capacity() * sizeof(float);
    for (const Workspace& workspace : workspaces_) bytes += workspace.bytes();
    return bytes;
  }

 private:
  ExecutionPlan plan_;
  ThreadPool& pool_;
  const kernels::Kernels& kernels_;
  Parameters packed_;
  bool loaded_ = false;
  std::vector<Workspace> workspaces_;  // one a thread
};

InferenceEngine::InferenceEngine(const Model& model, ThreadPool& pool,
                                 std::optional<kernels::Isa> isa)
    : impl_(std::make_unique<Impl>(model, pool,
                                   isa.value_or(kernels::BestIsa()))) {}

InferenceEngine::~InferenceEngine() = default;

void InferenceEngine::Load(std::span<const float> parameters) {
  impl_->Load(parameters);
}

void InferenceEngine::Run(std::span<const ImageView> images,
                          std::span<float> logits, std::span<float> pooled) {
  impl_->Run(images, logits, pooled);
}

std::size_t InferenceEngine::scratch_bytes() const {
  return impl_->scratch_bytes();
}

BatchMetrics ScoreLogits(std::span<const float> logits, int label) {
  return SoftmaxCrossEntropy(kernels::BestKernels(), logits, label, 1.0f, {});
}

}  // namespace fedgap
