#include "server/aggregation/delta_sums.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "common/tensor/span_math.h"

namespace fedgap {
namespace {

std::vector<float> Random(std::size_t size, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) value = normal(engine);
  return values;
}

// The plain twin has the same lanes, so that the bits must agree, whatever this
// machine's vectors are.
TEST(DeltaSumsTest, HasTheBitsOfTheTwinAtEveryLength) {
  for (std::size_t size = 0; size < 100; ++size) {
    const std::vector<float> values = Random(size, 1);
    const std::vector<float> direction = Random(size, 2);
    const DeltaSums sums = SumDelta(values, direction);
    EXPECT_EQ(sums.max_abs, MaxAbs(values)) << size;
    EXPECT_EQ(sums.squares, SquaredNorm(values)) << size;
    EXPECT_EQ(sums.dot, Dot(values, direction)) << size;
    const DeltaSums alone = SumDelta(values, {});
    EXPECT_EQ(alone.max_abs, sums.max_abs) << size;
    EXPECT_EQ(alone.squares, sums.squares) << size;
    EXPECT_EQ(alone.dot, 0) << size;
  }
}

TEST(DeltaSumsTest, AValueThatIsNotFiniteShowsInTheSquares) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                          std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    for (std::size_t at = 0; at < 37; ++at) {
      std::vector<float> values = Random(37, 3);
      values[at] = bad;
      EXPECT_FALSE(std::isfinite(SumDelta(values, {}).squares)) << at;
    }
  }
}

TEST(DeltaSumsTest, TheLargestFloatsAreFiniteStill) {
  const std::vector<float> values(1000, std::numeric_limits<float>::max());
  const DeltaSums sums = SumDelta(values, {});
  EXPECT_TRUE(std::isfinite(sums.squares));
  EXPECT_EQ(sums.max_abs, std::numeric_limits<float>::max());
}

}  // namespace
}  // namespace fedgap
