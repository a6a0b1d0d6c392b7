// What the kernels share, compiled once for each target.
#if defined(FEDGAP_COMMON_NN_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef FEDGAP_COMMON_NN_KERNELS_SIMD_INL_H_
#undef FEDGAP_COMMON_NN_KERNELS_SIMD_INL_H_
#else
#define FEDGAP_COMMON_NN_KERNELS_SIMD_INL_H_
#endif

#include <cstddef>

#include "common/nn/kernels/feature_map.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::CappedTag<float, kChannelBlock>;
using FloatVector = hn::Vec<FloatTag>;
inline constexpr std::size_t kLanes = hn::MaxLanes(FloatTag());
// Vectors in a block of channels.
inline constexpr std::size_t kBlockVectors = kChannelBlock / kLanes;

// Compare-select: what min and max do with NaN differs between CPUs.
HWY_INLINE FloatVector Relu(FloatVector x) {
  return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(FloatTag())), x);
}
// d where y is positive or NaN, else zero.
HWY_INLINE FloatVector ReluGradient(FloatVector y, FloatVector d) {
  return hn::IfThenZeroElse(hn::Le(y, hn::Zero(FloatTag())), d);
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FEDGAP_COMMON_NN_KERNELS_SIMD_INL_H_
