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
using IntTag = hn::RebindToSigned<FloatTag>;
using FloatVector = hn::Vec<FloatTag>;
inline constexpr std::size_t kLanes = hn::MaxLanes(FloatTag());
// Vectors in a block of channels.
inline constexpr std::size_t kBlockVectors = kChannelBlock / kLanes;

HWY_INLINE FloatVector LoadAt(const float* from, std::ptrdiff_t i) {
  return hn::Load(FloatTag(), from + i);
}

// *to (+)= value.
template <bool kAdd>
HWY_INLINE void Put(FloatVector value, float* to) {
  if constexpr (kAdd) value = hn::Add(hn::Load(FloatTag(), to), value);
  hn::Store(value, FloatTag(), to);
}

// x < 0 ? 0 : x. What max does with NaN and -0 differs between CPUs; that of
// x86 returns its second operand for both.
HWY_INLINE FloatVector Relu(FloatVector x) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  return hn::Max(hn::Zero(FloatTag()), x);
#else
  return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(FloatTag())), x);
#endif
}
// d where y is positive or NaN, else zero.
HWY_INLINE FloatVector ReluGradient(FloatVector y, FloatVector d) {
  return hn::IfThenZeroElse(hn::Le(y, hn::Zero(FloatTag())), d);
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FEDGAP_COMMON_NN_KERNELS_SIMD_INL_H_
