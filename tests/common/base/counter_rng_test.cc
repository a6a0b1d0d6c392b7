#include "common/base/counter_rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace fedgap {
namespace {

// Published vectors: Random123's kat_vectors, philox4x32-10.
TEST(PhiloxTest, AgreesWithThePublishedVectors) {
  using Block = std::array<std::uint32_t, 4>;
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}),
            (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
                       {0xffffffff, 0xffffffff}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                       {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(CounterRngTest, IsAFunctionOfItsKeyAlone) {
  CounterRng a(7, RngPurpose::kShuffle, "site-3", 4);
  CounterRng b(7, RngPurpose::kShuffle, "site-3", 4);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(a.NextUint64(), b.NextUint64());
}

TEST(CounterRngTest, EveryPartOfTheKeyChangesTheStream) {
  const auto first = [](CounterRng rng) { return rng.NextUint64(); };
  const std::vector<std::uint64_t> draws = {
      first({7, RngPurpose::kShuffle, "a", 1}),
      first({8, RngPurpose::kShuffle, "a", 1}),
      first({7, RngPurpose::kSelection, "a", 1}),
      first({7, RngPurpose::kShuffle, "b", 1}),
      first({7, RngPurpose::kShuffle, "a", 2}),
      first({7, RngPurpose::kShuffle, "a", std::uint64_t{1} << 40})};
  for (std::size_t i = 0; i < draws.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(draws[i], draws[j]);
  }
}

TEST(CounterRngTest, BelowIsUniform) {
  CounterRng rng(1, RngPurpose::kSynthetic);
  std::vector<int> seen(7);
  for (int i = 0; i < 70000; ++i) ++seen[rng.Below(7)];
  for (const int count : seen) EXPECT_NEAR(count, 10000, 500);
}

TEST(CounterRngTest, NormalHasMeanZeroAndVarianceOne) {
  CounterRng rng(2, RngPurpose::kSynthetic);
  double sum = 0, squares = 0;
  constexpr int kDraws = 100000;
  for (int i = 0; i < kDraws; ++i) {
    const double x = rng.Normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 0.015);
  EXPECT_NEAR(squares / kDraws, 1, 0.02);
}

TEST(CounterRngTest, GammaHasTheMeanAndVarianceOfItsShape) {
  for (const double shape : {0.3, 1.0, 4.5}) {
    CounterRng rng(3, RngPurpose::kSynthetic);
    double sum = 0, squares = 0;
    constexpr int kDraws = 100000;
    for (int i = 0; i < kDraws; ++i) {
      const double x = rng.Gamma(shape);
      sum += x;
      squares += x * x;
    }
    const double mean = sum / kDraws;
    EXPECT_NEAR(mean, shape, 0.03 * shape + 0.01);
    EXPECT_NEAR(squares / kDraws - mean * mean, shape, 0.06 * shape + 0.02);
  }
}

TEST(CounterRngTest, ShuffleIsAPermutation) {
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  const std::vector<int> before = items;
  CounterRng(4, RngPurpose::kShuffle).Shuffle(std::span(items));
  EXPECT_NE(items, before);
  std::ranges::sort(items);
  EXPECT_EQ(items, before);
}

}  // namespace
}  // namespace fedgap
