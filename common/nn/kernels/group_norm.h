// Group normalisation (Wu and He, "Group Normalization", 2018) of one image.
#ifndef FEDGAP_COMMON_NN_KERNELS_GROUP_NORM_H_
#define FEDGAP_COMMON_NN_KERNELS_GROUP_NORM_H_

#include <cstddef>
#include <optional>

#include "common/nn/kernels/kernels.h"

namespace fedgap::kernels {

// y = (x - mean) / sqrt(variance + epsilon) scale + shift, mean and (biased)
// variance over the pixels and channels of each group of channels. Sums run
// over pixels per channel in float (Kernels::channel_sums), then over the
// channels of a group in order in double; with a pool, those of the gradient
// run over the pooled map. Immutable and thread-safe.
class GroupNorm {
 public:
  struct Options {
    int channels = 1;  // a multiple of groups
    int groups = 1;
    double epsilon = 1e-5;
    bool relu = false;  // y = relu(y), fused in both directions
    // Then a max pool whose window tiles(), fused as well: maps of y and of its
    // gradient are pooled ones.
    std::optional<PoolWindow> max_pool = std::nullopt;
  };
  explicit GroupNorm(const Options& options);

  bool pools() const { return options_.max_pool.has_value(); }

  // What one image's forward pass leaves for its backward pass: per channel
  // the mean, y = x a + b, and 1 / sqrt(variance + epsilon); and room for
  // sums. Floats; 64-byte aligned.
  std::size_t state_elements() const;

  // scale, shift: [channels]. Where it pools(), `winners` are left for the
  // backward pass, if there will be one.
  struct ForwardArgs {
    FeatureMap in;
    const float* scale = nullptr;
    const float* shift = nullptr;
    float* state = nullptr;
    NormWinners winners;
    FeatureMap out;
  };
  void Forward(const Kernels& kernels, const ForwardArgs& args) const;

  // scale_gradient, shift_gradient [channels] += the gradients;
  // in_gradient (+)= the gradient, unless its data is null.
  struct BackwardArgs {
    FeatureMap in;
    FeatureMap out_gradient;
    const float* scale = nullptr;
    float* state = nullptr;  // as Forward left it
    NormWinners winners;     // likewise
    float* scale_gradient = nullptr;
    float* shift_gradient = nullptr;
    bool accumulate = false;
    FeatureMap in_gradient;
  };
  void Backward(const Kernels& kernels, const BackwardArgs& args) const;

 private:
  // The rows of `state`.
  enum Row { kMean, kA, kB, kInverse, kSum, kProduct, kSlope, kOffset, kRows };
  float* RowOf(float* state, Row row) const;
  NormChannels ChannelsOf(float* state) const;
  NormPool PoolOf(const NormWinners& winners) const;
  // Mean, a, b and inverse.
  void Measure(const Kernels& kernels, const ForwardArgs& args) const;

  Options options_;
};

}  // namespace fedgap::kernels

#endif  // FEDGAP_COMMON_NN_KERNELS_GROUP_NORM_H_
