// The inner loop of exact aggregation, compiled for several instruction sets
// and chosen at run time; the same bits on all of them.
#ifndef FEDGAP_SERVER_AGGREGATION_ACCUMULATE_KERNEL_H_
#define FEDGAP_SERVER_AGGREGATION_ACCUMULATE_KERNEL_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace fedgap {

// A vector and what multiplies it.
struct ScaledVector {
  const float* values = nullptr;
  double factor = 0;
};

// At most so many vectors are added in one pass over the sums: more of them
// share the cost of reading and writing the sums.
inline constexpr std::size_t kMaxTogether = 4;
// The products must stay below this.
inline constexpr double kMaxProduct = 2251799813685248.0;  // 2^51

// sums[j] += rint(factor values[j]) for each of one to four vectors: the
// product in double, rounded to the nearest integer, ties to even. Sums wrap
// modulo 2^64. A product of kMaxProduct or more, or NaN, adds an unspecified
// number.
void AddRoundedProducts(std::span<const ScaledVector> vectors,
                        std::int64_t* sums, std::size_t count);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_ACCUMULATE_KERNEL_H_
