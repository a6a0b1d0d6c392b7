// How reals become the integers that an exact accumulator adds.
#ifndef FEDGAP_SERVER_AGGREGATION_ACCUMULATOR_SCALE_H_
#define FEDGAP_SERVER_AGGREGATION_ACCUMULATOR_SCALE_H_

#include <cstdint>

#include "common/base/status.h"

namespace fedgap {

// What an accumulator must be able to hold; fixed for a run.
struct AccumulatorLimits {
  std::int64_t max_count = 1;   // contributions
  std::int64_t max_weight = 1;  // of one contribution in one bin
  double max_abs_value = 1;     // of one element, after its clipping
  bool operator==(const AccumulatorLimits&) const = default;
};

// A weight a is written in base 2^digit_bits; digit l of it, times an element
// times 2^shift, is rounded into sum l. One digit where the weights are small
// enough, so that the sum is DESIGN's rint(a d 2^s); more where one int64 could
// not hold both large weights and a fine grain.
struct AccumulatorScale {
  int shift = 0;
  int digit_bits = 1;
  int digits = 1;
  // By which a reported mean can differ from the real one before it is rounded
  // to float32: half a unit a contribution (twice that for several digits),
  // and the roundings of double.
  double error_bound = 0;
};

// The mean's error that a run may have.
inline constexpr double kMaxMeanError = 1.0 / 4294967296.0;  // 2^-32

// The finest scale with the fewest digits whose sums cannot reach 2^62 and
// whose products stay below kMaxProduct. INVALID_ARGUMENT if a limit is not
// positive and finite, or no scale has an error bound within kMaxMeanError.
StatusOr<AccumulatorScale> ScaleFor(const AccumulatorLimits& limits);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_ACCUMULATOR_SCALE_H_
