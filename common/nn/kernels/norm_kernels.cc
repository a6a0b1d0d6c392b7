#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/norm_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include <algorithm>

#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

// One row's sum for one vector of channels: four interleaved chains hide the
// latency of an addition. step(x, sum) returns the sum with pixel x in it.
template <typename Step>
HWY_INLINE FloatVector SumRow(int width, const Step& step) {
  FloatVector s0 = hn::Zero(FloatTag());
  FloatVector s1 = s0;
  FloatVector s2 = s0;
  FloatVector s3 = s0;
  int x = 0;
  for (; x + 4 <= width; x += 4) {
    s0 = step(x, s0);
    s1 = step(x + 1, s1);
    s2 = step(x + 2, s2);
    s3 = step(x + 3, s3);
  }
  if (x < width) s0 = step(x, s0);
  if (x + 1 < width) s1 = step(x + 1, s1);
  if (x + 2 < width) s2 = step(x + 2, s2);
  return hn::Add(hn::Add(s0, s2), hn::Add(s1, s3));
}

// Two sums over the same pixels, each in SumRow's order.
struct SumPair {
  FloatVector first;
  FloatVector second;
};

template <typename Step>
HWY_INLINE SumPair SumRowPair(int width, const Step& step) {
  const FloatVector zero = hn::Zero(FloatTag());
  SumPair s0{zero, zero};
  SumPair s1 = s0;
  SumPair s2 = s0;
  SumPair s3 = s0;
  int x = 0;
  for (; x + 4 <= width; x += 4) {
    s0 = step(x, s0);
    s1 = step(x + 1, s1);
    s2 = step(x + 2, s2);
    s3 = step(x + 3, s3);
  }
  if (x < width) s0 = step(x, s0);
  if (x + 1 < width) s1 = step(x + 1, s1);
  if (x + 2 < width) s2 = step(x + 2, s2);
  return {
      hn::Add(hn::Add(s0.first, s2.first), hn::Add(s1.first, s3.first)),
      hn::Add(hn::Add(s0.second, s2.second), hn::Add(s1.second, s3.second))};
}

HWY_INLINE void AddTo(FloatVector value, float* to) {
  hn::Store(hn::Add(LoadAt(to, 0), value), FloatTag(), to);
}

void ChannelSums(const FeatureMap& map, bool accumulate, float* sums) {
  const std::ptrdiff_t stride = map.pixel_stride;
  if (!accumulate) std::fill(sums, sums + stride, 0.0f);
  for (int y = 0; y < map.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      const float* row = map.at(y, 0) + c;
      AddTo(SumRow(map.width,
                   [&](int x, FloatVector sum) HWY_ATTR {
                     return hn::Add(sum, LoadAt(row, x * stride));
                   }),
            sums + c);
    }
  }
}

void ChannelSquares(const FeatureMap& map, const float* mean, float* sums) {
  const std::ptrdiff_t stride = map.pixel_stride;
  std::fill(sums, sums + stride, 0.0f);
  for (int y = 0; y < map.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      const float* row = map.at(y, 0) + c;
      const FloatVector m = LoadAt(mean, c);
      AddTo(SumRow(map.width,
                   [&](int x, FloatVector sum) HWY_ATTR {
                     const auto d = hn::Sub(LoadAt(row, x * stride), m);
                     return hn::MulAdd(d, d, sum);
                   }),
            sums + c);
    }
  }
}

template <bool kRelu>
void Affine(const FeatureMap& in, const NormChannels& norm,
            const FeatureMap& out) {
  const std::ptrdiff_t stride = in.pixel_stride;
  for (int y = 0; y < in.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      const float* row = in.at(y, 0) + c;
      float* to = out.at(y, 0) + c;
      const FloatVector a = LoadAt(norm.a, c);
      const FloatVector b = LoadAt(norm.b, c);
      for (int x = 0; x < in.width; ++x) {
        auto value = hn::MulAdd(LoadAt(row, x * stride), a, b);
        if constexpr (kRelu) value = Relu(value);
        hn::Store(value, FloatTag(), to + x * stride);
      }
    }
  }
}

void ChannelAffine(const FeatureMap& in, const NormChannels& norm, bool relu,
                   const FeatureMap& out) {
  relu ? Affine<true>(in, norm, out) : Affine<false>(in, norm, out);
}

// The gradient that reaches x a + b, at one pixel.
template <bool kRelu>
HWY_INLINE FloatVector NormOutputGradient(FloatVector x, FloatVector d,
                                          FloatVector a, FloatVector b) {
  if constexpr (kRelu) {
    return ReluGradient(hn::MulAdd(x, a, b), d);
  } else {
    return d;
  }
}

template <bool kRelu>
void GradientSums(const FeatureMap& in, const FeatureMap& out_gradient,
                  const NormChannels& norm, float* gradient_sums,
                  float* product_sums) {
  const std::ptrdiff_t stride = in.pixel_stride;
  std::fill(gradient_sums, gradient_sums + stride, 0.0f);
  std::fill(product_sums, product_sums + stride, 0.0f);
  for (int y = 0; y < in.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      const float* row = in.at(y, 0) + c;
      const float* row_gradient = out_gradient.at(y, 0) + c;
      const FloatVector mean = LoadAt(norm.mean, c);
      const FloatVector a = LoadAt(norm.a, c);
      const FloatVector b = LoadAt(norm.b, c);
      const SumPair sums =
          SumRowPair(in.width, [&](int x, SumPair sum) HWY_ATTR {
            const auto value = LoadAt(row, x * stride);
            const auto d = NormOutputGradient<kRelu>(
                value, LoadAt(row_gradient, x * stride), a, b);
            return SumPair{hn::Add(sum.first, d),
                           hn::MulAdd(d, hn::Sub(value, mean), sum.second)};
          });
      AddTo(sums.first, gradient_sums + c);
      AddTo(sums.second, product_sums + c);
    }
  }
}

void NormGradientSums(const FeatureMap& in, const FeatureMap& out_gradient,
                      const NormChannels& norm, bool relu, float* gradient_sums,
                      float* product_sums) {
  relu ? GradientSums<true>(in, out_gradient, norm, gradient_sums, product_sums)
       : GradientSums<false>(in, out_gradient, norm, gradient_sums,
                             product_sums);
}

template <bool kRelu>
void InputGradient(const FeatureMap& in, const FeatureMap& out_gradient,
                   const NormChannels& norm, const float* slope,
                   const float* offset, bool accumulate,
                   const FeatureMap& in_gradient) {
  const std::ptrdiff_t stride = in.pixel_stride;
  for (int y = 0; y < in.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      const float* row = in.at(y, 0) + c;
      const float* row_gradient = out_gradient.at(y, 0) + c;
      float* to = in_gradient.at(y, 0) + c;
      const FloatVector a = LoadAt(norm.a, c);
      const FloatVector b = LoadAt(norm.b, c);
      const FloatVector k1 = LoadAt(slope, c);
      const FloatVector k0 = LoadAt(offset, c);
      for (int x = 0; x < in.width; ++x) {
        const auto value = LoadAt(row, x * stride);
        const auto d = NormOutputGradient<kRelu>(
            value, LoadAt(row_gradient, x * stride), a, b);
        auto result = hn::MulAdd(a, d, hn::MulAdd(k1, value, k0));
        if (accumulate) result = hn::Add(LoadAt(to, x * stride), result);
        hn::Store(result, FloatTag(), to + x * stride);
      }
    }
  }
}

void NormGradient(const FeatureMap& in, const FeatureMap& out_gradient,
                  const NormChannels& norm, bool relu, const float* slope,
                  const float* offset, bool accumulate,
                  const FeatureMap& in_gradient) {
  relu ? InputGradient<true>(in, out_gradient, norm, slope, offset, accumulate,
                             in_gradient)
       : InputGradient<false>(in, out_gradient, norm, slope, offset, accumulate,
                              in_gradient);
}

}  // namespace

void AddNorm(Kernels& kernels) {
  kernels.channel_sums = ChannelSums;
  kernels.channel_squares = ChannelSquares;
  kernels.channel_affine = ChannelAffine;
  kernels.norm_gradient_sums = NormGradientSums;
  kernels.norm_gradient = NormGradient;
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap::kernels {

HWY_EXPORT(AddNorm);

void AddNormKernels(std::int64_t target, Kernels& kernels) {
  FEDGAP_CALL_FOR_TARGET(target, AddNorm, kernels);
}

}  // namespace fedgap::kernels
#endif  // HWY_ONCE
