#include "server/aggregation/accumulator_scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "server/aggregation/accumulate_kernel.h"

namespace fedgap {
namespace {

constexpr double kMaxSum = 4611686018427387904.0;  // 2^62
constexpr int kMaxShift = 100;
// What clipping can leave an element above its bound, relatively.
constexpr double kSlack = 1.0 + 0x1p-40;

// The largest s with value 2^s < limit, a power of two.
int LargestShift(double value, double limit) {
  int value_exponent = 0;
  int limit_exponent = 0;
  std::frexp(value, &value_exponent);  // value < 2^value_exponent
  std::frexp(limit, &limit_exponent);  // limit == 2^(limit_exponent - 1)
  return limit_exponent - 1 - value_exponent;
}

int BitsOf(std::int64_t weight) {
  return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(weight)));
}

AccumulatorScale ScaleWithDigits(const AccumulatorLimits& limits, int digits) {
  const int weight_bits = BitsOf(limits.max_weight);
  AccumulatorScale scale;
  scale.digits = digits;
  scale.digit_bits = (weight_bits + digits - 1) / digits;
  const double count = static_cast<double>(limits.max_count);
  const double digit = digits == 1 ? static_cast<double>(limits.max_weight)
                                   : std::ldexp(1.0, scale.digit_bits) - 1;
  const double product = digit * limits.max_abs_value * kSlack;
  scale.shift = std::min({LargestShift(product, kMaxProduct),
                          LargestShift(count * product, kMaxSum), kMaxShift});
  // Each addend may have been rounded up.
  if (std::ldexp(count * product, scale.shift) + count > kMaxSum) {
    --scale.shift;
  }
  scale.error_bound = std::ldexp(digits == 1 ? 0.5 : 1.0, -scale.shift) +
                      0x1p-51 * limits.max_abs_value;
  return scale;
}

}  // namespace

StatusOr<AccumulatorScale> ScaleFor(const AccumulatorLimits& limits) {
  if (limits.max_count < 1 || limits.max_weight < 1 ||
      !(limits.max_abs_value > 0) || !std::isfinite(limits.max_abs_value)) {
    return absl::InvalidArgumentError(fmt::format(
        "an accumulator needs positive limits, not {} updates, weights up to "
        "{} and elements up to {}",
        limits.max_count, limits.max_weight, limits.max_abs_value));
  }
  const int weight_bits = BitsOf(limits.max_weight);
  double least = 0;
  for (int digits = 1; digits <= weight_bits; ++digits) {
    const AccumulatorScale scale = ScaleWithDigits(limits, digits);
    if (scale.error_bound <= kMaxMeanError) return scale;
    least =
        digits == 1 ? scale.error_bound : std::min(least, scale.error_bound);
  }
  return absl::InvalidArgumentError(fmt::format(
      "the mean of up to {} updates with elements up to {} could be off by "
      "{:.2g}, more than 2^-32: lower validation.max_abs_delta, or "
      "cohort.max_size (cohort.size where it is given)",
      limits.max_count, limits.max_abs_value, least));
}

}  // namespace fedgap
