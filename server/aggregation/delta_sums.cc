#include "server/aggregation/delta_sums.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "common/base/check.h"

// SVE's vectors cannot stand in arrays.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "server/aggregation/delta_sums.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace fedgap {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kLanes = 16;

// Of the whole blocks of 16 values; `squares` and `dots` are the lanes.
template <bool kWithDot>
float SumBlocks(const float* values, const float* direction, std::size_t count,
                double* squares, double* dots) {
  // Of a fixed width, so that the accumulators stay in registers.
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> f;
  using V = hn::Vec<decltype(d)>;
  constexpr std::size_t kWidth = hn::MaxLanes(hn::CappedTag<double, 8>());
  constexpr std::size_t kVectors = kLanes / kWidth;
  V square[kVectors];
  V dot[kVectors];
  for (std::size_t k = 0; k < kVectors; ++k) square[k] = dot[k] = hn::Zero(d);
  auto largest = hn::Zero(f);
  for (std::size_t j = 0; j < count; j += kLanes) {
    for (std::size_t k = 0; k < kVectors; ++k) {
      const auto narrow = hn::LoadU(f, values + j + k * kWidth);
      largest = hn::Max(largest, hn::Abs(narrow));
      const auto wide = hn::PromoteTo(d, narrow);
      square[k] = hn::MulAdd(wide, wide, square[k]);
      if constexpr (kWithDot) {
        const auto other =
            hn::PromoteTo(d, hn::LoadU(f, direction + j + k * kWidth));
        dot[k] = hn::MulAdd(wide, other, dot[k]);
      }
    }
  }
  for (std::size_t k = 0; k < kVectors; ++k) {
    hn::StoreU(square[k], d, squares + k * kWidth);
    hn::StoreU(dot[k], d, dots + k * kWidth);
  }
  return hn::GetLane(hn::MaxOfLanes(f, largest));
}

float SumWithDot(const float* values, const float* direction, std::size_t count,
                 double* squares, double* dots) {
  return SumBlocks<true>(values, direction, count, squares, dots);
}

float SumWithoutDot(const float* values, const float* direction,
                    std::size_t count, double* squares, double* dots) {
  return SumBlocks<false>(values, direction, count, squares, dots);
}

}  // namespace HWY_NAMESPACE
}  // namespace fedgap
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap {
namespace {

constexpr std::size_t kLanes = 16;
using Lanes = std::array<double, kLanes>;

double Sum(Lanes lanes) {
  for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::size_t lane = 0; lane < width; ++lane) {
      lanes[lane] += lanes[lane + width];
    }
  }
  return lanes[0];
}

}  // namespace

HWY_EXPORT(SumWithDot);
HWY_EXPORT(SumWithoutDot);

DeltaSums SumDelta(std::span<const float> values,
                   std::span<const float> direction) {
  FEDGAP_CHECK(direction.empty() || direction.size() == values.size());
  Lanes squares{};
  Lanes dots{};
  DeltaSums sums;
  const std::size_t blocks = values.size() / kLanes * kLanes;
  if (direction.empty()) {
    sums.max_abs = HWY_DYNAMIC_DISPATCH(SumWithoutDot)(
        values.data(), nullptr, blocks, squares.data(), dots.data());
  } else {
    sums.max_abs = HWY_DYNAMIC_DISPATCH(SumWithDot)(
        values.data(), direction.data(), blocks, squares.data(), dots.data());
  }
  for (std::size_t j = blocks; j < values.size(); ++j) {
    const double value = values[j];
    sums.max_abs = std::max(sums.max_abs, std::fabs(values[j]));
    squares[j - blocks] += value * value;
    if (!direction.empty()) dots[j - blocks] += value * double{direction[j]};
  }
  sums.squares = Sum(squares);
  sums.dot = Sum(dots);
  return sums;
}

}  // namespace fedgap
#endif  // HWY_ONCE
