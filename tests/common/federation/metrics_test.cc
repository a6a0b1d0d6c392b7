#include "common/federation/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fedgap {
namespace {

GroupMetrics Group(int group, std::int64_t count, std::int64_t correct) {
  return {group, {.count = count, .correct = correct, .loss_fixed = 0}};
}

TEST(SumByGroupTest, AddsUpEachGroupAscending) {
  const std::vector<GroupMetrics> first = {Group(2, 10, 5), Group(3, 1, 1)};
  const std::vector<GroupMetrics> second = {Group(0, 4, 4), Group(2, 10, 6)};
  EXPECT_EQ(SumByGroup({&first, &second}),
            (std::vector<GroupMetrics>{Group(0, 4, 4), Group(2, 20, 11),
                                       Group(3, 1, 1)}));
}

// Clients' numbers come from outside, and each alone is allowed to be so large.
TEST(SumByGroupTest, SaturatesInsteadOfOverflowing) {
  constexpr std::int64_t kLarge = std::int64_t{1} << 62;
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::vector<GroupMetrics> part = {{0, {kLarge, kLarge, kLarge}}};
  EXPECT_EQ(SumByGroup({&part, &part, &part}),
            (std::vector<GroupMetrics>{{0, {kMost, kMost, kMost}}}));
}

TEST(SummarizeTest, CountsEachGroupTheSameHoweverManySamplesItHas) {
  const FairnessSummary summary =
      Summarize({Group(0, 10, 5), Group(1, 1000, 900)});
  EXPECT_DOUBLE_EQ(summary.mean, 0.7);
  EXPECT_DOUBLE_EQ(summary.worst, 0.5);
  EXPECT_DOUBLE_EQ(summary.gap, 0.4);
  EXPECT_DOUBLE_EQ(summary.stddev, 0.2);
  // (0.5 + 0.9)^2 / (2 (0.25 + 0.81)).
  EXPECT_DOUBLE_EQ(summary.jain, 1.96 / 2.12);
}

TEST(SummarizeTest, LeavesOutGroupsWithoutSamples) {
  const FairnessSummary summary =
      Summarize({Group(0, 0, 0), Group(1, 4, 3), Group(2, 4, 3)});
  EXPECT_DOUBLE_EQ(summary.mean, 0.75);
  EXPECT_DOUBLE_EQ(summary.worst, 0.75);
  EXPECT_DOUBLE_EQ(summary.gap, 0);
  EXPECT_DOUBLE_EQ(summary.stddev, 0);
  EXPECT_DOUBLE_EQ(summary.jain, 1);
}

TEST(SummarizeTest, IsTheDefaultForNoSamples) {
  EXPECT_EQ(Summarize({}), FairnessSummary{});
  EXPECT_EQ(Summarize({Group(0, 0, 0)}), FairnessSummary{});
}

TEST(SummarizeTest, HoldsGroupsThatAreAllWrongForEven) {
  const FairnessSummary summary = Summarize({Group(0, 3, 0), Group(1, 5, 0)});
  EXPECT_EQ(summary.mean, 0);
  EXPECT_EQ(summary.jain, 1);
}

TEST(SummarizeTest, JainFallsToOneOverNWhenOneGroupHasEverything) {
  const FairnessSummary summary = Summarize(
      {Group(0, 5, 5), Group(1, 5, 0), Group(2, 5, 0), Group(3, 5, 0)});
  EXPECT_DOUBLE_EQ(summary.jain, 0.25);
  EXPECT_DOUBLE_EQ(summary.stddev, std::sqrt(3.0) / 4);
}

}  // namespace
}  // namespace fedgap
