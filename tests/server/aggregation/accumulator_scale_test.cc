#include "server/aggregation/accumulator_scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "server/aggregation/accumulate_kernel.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

TEST(ScaleForTest, OneDigitForEqualWeights) {
  // 10,000 x 16 < 2^18, so that s = 62 - 18.
  ASSERT_OK_AND_ASSIGN(const AccumulatorScale scale, ScaleFor({10000, 1, 16}));
  EXPECT_EQ(scale.digits, 1);
  EXPECT_EQ(scale.shift, 44);
  EXPECT_DOUBLE_EQ(scale.error_bound, 0x1p-45 + 0x1p-47);
}

TEST(ScaleForTest, FewClientsAreHeldBackByTheProduct) {
  // One product must stay below 2^51: 6 x 15.9 x 2^s does so for s = 47.
  ASSERT_OK_AND_ASSIGN(const AccumulatorScale scale, ScaleFor({6, 1, 15.9}));
  EXPECT_EQ(scale.shift, 47);
}

TEST(ScaleForTest, SplitsWeightsThatOneSumCannotHold) {
  ASSERT_OK_AND_ASSIGN(const AccumulatorScale scale,
                       ScaleFor({10000, 6'400'000'000'000'000, 16}));
  EXPECT_GT(scale.digits, 1);
  EXPECT_GE(scale.digits * scale.digit_bits, 53);
  EXPECT_LE(scale.error_bound, kMaxMeanError);
}

// The promise itself, over a grid of limits: no sum reaches 2^62, no product
// 2^51, and the bound that is reported is the bound that holds.
TEST(ScaleForTest, SumsAndProductsStayInRange) {
  for (const std::int64_t count : {1LL, 6LL, 1000LL, 1'000'000LL}) {
    for (const std::int64_t weight : {1LL, 1LL << 20, 100'000'000LL,
                                      std::numeric_limits<long long>::max()}) {
      for (const double bound : {1e-6, 0.999999, 16.0, 256.0}) {
        const auto scale = ScaleFor({count, weight, bound});
        ASSERT_OK(scale);
        const double digit = scale->digits == 1
                                 ? static_cast<double>(weight)
                                 : std::ldexp(1.0, scale->digit_bits) - 1;
        const double product = std::ldexp(digit * bound, scale->shift);
        EXPECT_LT(product, kMaxProduct);
        EXPECT_LE(static_cast<double>(count) * (product + 1), 0x1p62);
        EXPECT_LE(scale->error_bound, kMaxMeanError);
        EXPECT_GE(std::ldexp(1.0, scale->digit_bits * scale->digits),
                  static_cast<double>(weight));
      }
    }
  }
}

TEST(ScaleForTest, RefusesWhatCannotBeExact) {
  EXPECT_THAT(ScaleFor({1'000'000, 1, 1e9}),
              Fails(absl::StatusCode::kInvalidArgument,
                    ::testing::HasSubstr("validation.max_abs_delta")));
  const double kInfinity = std::numeric_limits<double>::infinity();
  for (const AccumulatorLimits& limits :
       {AccumulatorLimits{0, 1, 1}, AccumulatorLimits{1, 0, 1},
        AccumulatorLimits{1, 1, 0}, AccumulatorLimits{1, 1, kInfinity},
        AccumulatorLimits{1, 1, kInfinity - kInfinity}}) {
    EXPECT_THAT(ScaleFor(limits), HasCode(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace fedgap
