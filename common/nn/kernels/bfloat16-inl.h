// Vectors of bfloat16 pairs, compiled once for each target.
#if defined(FEDGAP_COMMON_NN_KERNELS_BFLOAT16_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef FEDGAP_COMMON_NN_KERNELS_BFLOAT16_INL_H_
#undef FEDGAP_COMMON_NN_KERNELS_BFLOAT16_INL_H_
#else
#define FEDGAP_COMMON_NN_KERNELS_BFLOAT16_INL_H_
#endif

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <cstdint>

#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {

// VDPBF16PS takes subnormal numbers for zero and gives none. Where it is
// replaced, x86 does so as long as one of these lives, other CPUs by
// FlushSubnormal. (They differ for a sum within 2^-150 below 2^-126, which x86
// flushes and the others round up.)
#if defined(__SSE2__)
class FlushSubnormals {
 public:
  FlushSubnormals() { _mm_setcsr(before_ | kFlushToZero | kSubnormalsAreZero); }
  ~FlushSubnormals() { _mm_setcsr(before_); }
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;

 private:
  static constexpr unsigned kFlushToZero = 0x8000;
  static constexpr unsigned kSubnormalsAreZero = 0x0040;
  unsigned before_ = _mm_getcsr();
};
HWY_INLINE FloatVector FlushSubnormal(FloatVector x) { return x; }
#else
struct FlushSubnormals {
  FlushSubnormals() {}
};
HWY_INLINE FloatVector FlushSubnormal(FloatVector x) {
  const FloatTag d;
  const auto zero = hn::And(x, hn::SignBit(d));
  return hn::IfThenElse(hn::Lt(hn::Abs(x), hn::Set(d, 0x1p-126f)), zero, x);
}
#endif

// sum + first x first + second x second, of each lane's pair.
HWY_INLINE FloatVector AddPairProducts(FloatVector x, FloatVector w,
                                       FloatVector sum) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> du;
  const auto first = [&](FloatVector pair) HWY_ATTR {
    const auto bits = hn::BitCast(du, pair);
    return hn::BitCast(d, hn::And(bits, hn::Set(du, 0xffff0000u)));
  };
  const auto second = [&](FloatVector pair) HWY_ATTR {
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::BitCast(du, pair)));
  };
  sum = FlushSubnormal(hn::MulAdd(first(x), first(w), FlushSubnormal(sum)));
  return FlushSubnormal(hn::MulAdd(second(x), second(w), sum));
}

// Bfloat16Bits of each lane, in the lane's upper half; the lower one is 0.
template <typename D>
HWY_INLINE hn::Vec<hn::RebindToUnsigned<D>> UpperBfloat16(D d, hn::Vec<D> x) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::BitCast(du, x);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu)));
  const auto quiet = hn::Or(bits, hn::Set(du, 0x00400000u));
  const auto nan = hn::BitCast(du, hn::VecFromMask(d, hn::IsNaN(x)));
  rounded = hn::Or(hn::And(nan, quiet), hn::AndNot(nan, rounded));
  const auto exponent = hn::And(bits, hn::Set(du, 0x7f800000u));
  const auto tiny = hn::VecFromMask(du, hn::Eq(exponent, hn::Set(du, 0u)));
  rounded = hn::AndNot(hn::And(tiny, hn::Set(du, 0x7fffffffu)), rounded);
  return hn::And(rounded, hn::Set(du, 0xffff0000u));
}

template <typename D>
HWY_INLINE hn::Vec<D> PairOf(D d, hn::Vec<D> first, hn::Vec<D> second) {
  return hn::BitCast(d, hn::Or(UpperBfloat16(d, first),
                               hn::ShiftRight<16>(UpperBfloat16(d, second))));
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FEDGAP_COMMON_NN_KERNELS_BFLOAT16_INL_H_
