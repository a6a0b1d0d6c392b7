// Comparison of an instruction set's results with the naive ones.
#ifndef FEDGAP_TESTS_COMMON_NN_KERNELS_KERNEL_MATCHERS_H_
#define FEDGAP_TESTS_COMMON_NN_KERNELS_KERNEL_MATCHERS_H_

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/nn/kernels/kernels.h"

namespace fedgap::kernels {

// Equal bits on instruction sets with fused multiply-add (zeros may differ in
// sign, NaN in payload); nearly equal without.
inline ::testing::AssertionResult SameValues(Isa isa,
                                             std::span<const float> actual,
                                             std::span<const float> expected) {
  if (actual.size() != expected.size()) {
    return ::testing::AssertionFailure()
           << actual.size() << " values, expected " << expected.size();
  }
  for (std::size_t i = 0; i < actual.size(); ++i) {
    const float a = actual[i];
    const float e = expected[i];
    const bool same = HasPortableBits(isa)
                          ? a == e || (std::isnan(a) && std::isnan(e))
                          : std::fabs(a - e) <= 1e-4f * (1.0f + std::fabs(e));
    if (!same) {
      return ::testing::AssertionFailure()
             << "value " << i << " of " << actual.size() << " is " << a
             << ", expected " << e;
    }
  }
  return ::testing::AssertionSuccess();
}

// A test over every instruction set that runs here.
class KernelTest : public ::testing::TestWithParam<Isa> {
 protected:
  Isa isa() const { return GetParam(); }
  const Kernels& kernels() const { return KernelsFor(isa()); }
};

inline std::string IsaTestName(const ::testing::TestParamInfo<Isa>& info) {
  return std::string(ToString(info.param));
}

}  // namespace fedgap::kernels

#endif  // FEDGAP_TESTS_COMMON_NN_KERNELS_KERNEL_MATCHERS_H_
