#include "common/tensor/span_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/base/counter_rng.h"

namespace fedgap {
namespace {

std::vector<float> Random(std::size_t size, std::uint64_t seed) {
  CounterRng rng(seed, RngPurpose::kSynthetic);
  std::vector<float> values(size);
  for (float& value : values) value = static_cast<float>(rng.Normal());
  return values;
}

TEST(SpanMathTest, DotAgreesWithLongDoubleForEveryTail) {
  for (std::size_t size = 0; size < 70; ++size) {
    const auto a = Random(size, 1), b = Random(size, 2);
    long double want = 0;
    for (std::size_t i = 0; i < size; ++i)
      want += static_cast<long double>(a[i]) * b[i];
    EXPECT_NEAR(Dot(a, b), static_cast<double>(want), 1e-12);
  }
}

TEST(SpanMathTest, MaxAbsIsInfiniteForNaNAndInfinity) {
  std::vector<float> x = {1, -3, 2};
  EXPECT_EQ(MaxAbs(x), 3);
  EXPECT_TRUE(AllFinite(x));
  x[1] = NAN;
  EXPECT_TRUE(std::isinf(MaxAbs(x)));
  EXPECT_FALSE(AllFinite(x));
  x[1] = -std::numeric_limits<float>::infinity();
  EXPECT_FALSE(AllFinite(x));
  EXPECT_EQ(MaxAbs({}), 0);
}

TEST(SpanMathTest, SubtractAndAxpyWorkElementByElement) {
  const std::vector<float> a = {5, 7}, b = {1, 2};
  std::vector<float> out(2);
  Subtract(a, b, out);
  EXPECT_EQ(out, (std::vector<float>{4, 5}));
  Axpy(2, a, out);
  EXPECT_EQ(out, (std::vector<float>{14, 19}));
}

}  // namespace
}  // namespace fedgap
