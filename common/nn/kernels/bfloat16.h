// bfloat16: the upper half of a float32 (8 bits of exponent, 7 of mantissa).
//
// Kernels of mixed precision multiply bfloat16 and sum in float32, two products
// an instruction where the CPU has AVX512_BF16 (VDPBF16PS). A product of two
// bfloat16 has at most 16 bits of mantissa, so that two fused multiply-adds are
// what that instruction computes, to the last bit; subnormal numbers count as
// zero in both. So every CPU gives the same results.
#ifndef FEDGAP_COMMON_NN_KERNELS_BFLOAT16_H_
#define FEDGAP_COMMON_NN_KERNELS_BFLOAT16_H_

#include <bit>
#include <cstdint>

#include "common/nn/kernels/feature_map.h"

namespace fedgap::kernels {

// Channels of a block that make a pair stand so far apart: halves of the block,
// which need no shuffling.
inline constexpr int kPairDistance = kChannelBlock / 2;

// The nearest bfloat16's bits, ties to even; subnormals become zero, NaN stays
// NaN (VCVTNEPS2BF16: Intel SDM, volume 2).
constexpr std::uint32_t Bfloat16Bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude < 0x00800000u) return (bits & 0x80000000u) >> 16;
  if (magnitude > 0x7f800000u) return (bits | 0x00400000u) >> 16;
  return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}

// The bfloat16 nearest to `value`, as a float.
constexpr float RoundToBfloat16(float value) {
  return std::bit_cast<float>(Bfloat16Bits(value) << 16);
}

// Two bfloat16 in the place of one float32. A sum of products of pairs takes
// the firsts' product before the seconds'.
constexpr float Bfloat16Pair(float first, float second) {
  return std::bit_cast<float>((Bfloat16Bits(first) << 16) |
                              Bfloat16Bits(second));
}

}  // namespace fedgap::kernels

#endif  // FEDGAP_COMMON_NN_KERNELS_BFLOAT16_H_
