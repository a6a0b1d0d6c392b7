#include "common/nn/softmax_cross_entropy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "common/base/check.h"
#include "common/base/portable_math.h"

namespace fedgap {
namespace {

// exp(logit - largest) of a few logits at a time.
constexpr std::size_t kChunk = 64;

std::size_t FirstLargest(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best]) best = i;
  }
  return best;
}

std::int64_t ToFixed(double loss) {
  // NaN too.
  if (!(loss < BatchMetrics::kMaxLoss)) loss = BatchMetrics::kMaxLoss;
  return static_cast<std::int64_t>(
      std::nearbyint(loss * BatchMetrics::kLossScale));
}

}  // namespace

BatchMetrics SoftmaxCrossEntropy(const kernels::Kernels& kernels,
                                 std::span<const float> logits, int label,
                                 float weight, std::span<float> gradient) {
  const auto target = static_cast<std::size_t>(label);
  FEDGAP_CHECK(label >= 0 && target < logits.size());
  const std::size_t winner = FirstLargest(logits);
  const float largest = logits[winner];
  std::array<float, kChunk> shifted;
  double sum = 0;
  for (std::size_t at = 0; at < logits.size(); at += kChunk) {
    const std::size_t count = std::min(kChunk, logits.size() - at);
    for (std::size_t i = 0; i < count; ++i) {
      shifted[i] = logits[at + i] - largest;
    }
    kernels.exp(static_cast<std::ptrdiff_t>(count), shifted.data(),
                shifted.data());
    for (std::size_t i = 0; i < count; ++i) sum += double{shifted[i]};
    if (!gradient.empty()) {
      std::copy_n(shifted.begin(), count, gradient.subspan(at).begin());
    }
  }
  for (float& value : gradient) {
    value = static_cast<float>(double{value} / sum) * weight;
  }
  if (!gradient.empty()) gradient[target] -= weight;
  const float margin = logits[target] - largest;
  BatchMetrics metrics;
  metrics.count = 1;
  metrics.correct = winner == target ? 1 : 0;
  metrics.loss_fixed = ToFixed(PortableLog(sum) - double{margin});
  return metrics;
}

}  // namespace fedgap
