#include "server/aggregation/accumulate_kernel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/server/aggregation/test_updates.h"

namespace fedgap {
namespace {

std::int64_t AddOne(double factor, float value) {
  std::int64_t sum = 0;
  const ScaledVector vector = {&value, factor};
  AddRoundedProducts({&vector, 1}, &sum, 1);
  return sum;
}

TEST(AddRoundedProductsTest, RoundsTiesToEvenOnBothSidesOfZero) {
  EXPECT_EQ(AddOne(1.0, 0.5f), 0);
  EXPECT_EQ(AddOne(1.0, 1.5f), 2);
  EXPECT_EQ(AddOne(1.0, 2.5f), 2);
  EXPECT_EQ(AddOne(1.0, -0.5f), 0);
  EXPECT_EQ(AddOne(1.0, -1.5f), -2);
  EXPECT_EQ(AddOne(-1.0, 2.5f), -2);
  EXPECT_EQ(AddOne(1.0, 0.49999997f), 0);
  EXPECT_EQ(AddOne(0x1p50, 1.0f), std::int64_t{1} << 50);
  EXPECT_EQ(AddOne(-0x1p50, 1.999f),
            -static_cast<std::int64_t>(std::rint(0x1p50 * 1.999f)));
  EXPECT_EQ(AddOne(1.0, -0.0f), 0);
}

// The naive twin, at every remainder of every vector width.
TEST(AddRoundedProductsTest, EqualsTheScalarLoopForAnyCountAndNumber) {
  for (std::size_t vectors = 1; vectors <= kMaxTogether; ++vectors) {
    for (const std::size_t count :
         std::vector<std::size_t>{0, 1, 3, 7, 8, 9, 31, 33, 100}) {
      std::vector<Parameters> values;
      std::vector<ScaledVector> scaled;
      for (std::size_t k = 0; k < vectors; ++k) {
        values.push_back(RandomVector(100, 7 + k));
        scaled.push_back(
            {values[k].data(), std::ldexp(1.0 + 0.1 * double(k), 40)});
      }
      std::vector<std::int64_t> sums(100, 5), expected(100, 5);
      AddRoundedProducts(scaled, sums.data(), count);
      for (std::size_t j = 0; j < count; ++j) {
        for (std::size_t k = 0; k < vectors; ++k) {
          expected[j] += static_cast<std::int64_t>(
              std::rint(scaled[k].factor * static_cast<double>(values[k][j])));
        }
      }
      EXPECT_EQ(sums, expected) << vectors << " vectors of " << count;
    }
  }
}

TEST(AddRoundedProductsTest, ANegativeFactorTakesBackExactly) {
  const Parameters values = RandomVector(1001, 3);
  std::vector<std::int64_t> sums(1001, 42);
  const ScaledVector add = {values.data(), 0x1p44 * 0.7};
  const ScaledVector take = {values.data(), -0x1p44 * 0.7};
  AddRoundedProducts({&add, 1}, sums.data(), 1001);
  AddRoundedProducts({&take, 1}, sums.data(), 1001);
  EXPECT_EQ(sums, std::vector<std::int64_t>(1001, 42));
}

TEST(AddRoundedProductsTest, GarbageInIsNoUndefinedBehaviour) {
  AddOne(1.0, std::numeric_limits<float>::quiet_NaN());
  AddOne(0x1p60, std::numeric_limits<float>::max());
  AddOne(1.0, -std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace fedgap
