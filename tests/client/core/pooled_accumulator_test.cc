#include "client/core/pooled_accumulator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fedgap {
namespace {

using ::testing::ElementsAre;

TEST(PooledAccumulatorTest, MeansByGroupAndClass) {
  PooledAccumulator pooled(PooledMode::kClasses, /*classes=*/2, /*channels=*/2);
  pooled.Add(1, 0, std::vector<float>{1, 2});
  pooled.Add(1, 0, std::vector<float>{3, 4});
  pooled.Add(1, 1, std::vector<float>{5, 6});
  pooled.Add(0, 1, std::vector<float>{7, 8});
  const PooledStatistics statistics = pooled.Report(/*min_class_count=*/1);
  ASSERT_EQ(statistics.groups.size(), 2u);
  EXPECT_EQ(statistics.groups[0].group, 0);
  const GroupPooledStatistics& group = statistics.groups[1];
  EXPECT_EQ(group.count, 3);
  EXPECT_THAT(group.mean, ElementsAre(3, 4));
  EXPECT_THAT(group.class_counts, ElementsAre(2, 1));
  EXPECT_THAT(group.class_means, ElementsAre(2, 3, 5, 6));
}

TEST(PooledAccumulatorTest, WithholdsClassesOfAFewSamples) {
  PooledAccumulator pooled(PooledMode::kClasses, 2, 1);
  for (int i = 0; i < 8; ++i) pooled.Add(0, 0, std::vector<float>{2});
  for (int i = 0; i < 7; ++i) pooled.Add(0, 1, std::vector<float>{4});
  const auto group = pooled.Report(/*min_class_count=*/8).groups[0];
  EXPECT_THAT(group.class_counts, ElementsAre(8, 0));
  EXPECT_THAT(group.class_means, ElementsAre(2, 0));
}

// 15 times the mean minus 8 times the first class's would be the second class.
TEST(PooledAccumulatorTest, TheGroupsMeanDoesNotGiveAWithheldClassAway) {
  PooledAccumulator pooled(PooledMode::kClasses, 2, 1);
  for (int i = 0; i < 8; ++i) pooled.Add(0, 0, std::vector<float>{2});
  for (int i = 0; i < 7; ++i) pooled.Add(0, 1, std::vector<float>{4});
  const auto group = pooled.Report(/*min_class_count=*/8).groups[0];
  EXPECT_EQ(group.count, 8);
  EXPECT_THAT(group.mean, ElementsAre(2));
}

TEST(PooledAccumulatorTest, WithholdsGroupsOfAFewSamples) {
  for (const PooledMode mode : {PooledMode::kClasses, PooledMode::kMean}) {
    PooledAccumulator pooled(mode, 2, 1);
    pooled.Add(0, 0, std::vector<float>{9});  // one image's own vector
    for (int i = 0; i < 8; ++i) pooled.Add(2, 1, std::vector<float>{4});
    const PooledStatistics statistics = pooled.Report(/*min_class_count=*/8);
    ASSERT_EQ(statistics.groups.size(), 1U);
    EXPECT_EQ(statistics.groups[0].group, 2);
    EXPECT_EQ(statistics.groups[0].count, 8);
    EXPECT_THAT(statistics.groups[0].mean, ElementsAre(4));
  }
}

TEST(PooledAccumulatorTest, GivesOnlyWhatTheModeAllows) {
  PooledAccumulator off(PooledMode::kOff, 2, 1);
  off.Add(0, 0, std::vector<float>{2});
  EXPECT_TRUE(off.Report(1).groups.empty());
  PooledAccumulator mean(PooledMode::kMean, 2, 1);
  mean.Add(0, 0, std::vector<float>{2});
  EXPECT_TRUE(mean.Report(1).groups[0].class_counts.empty());
  EXPECT_THAT(mean.Report(1).groups[0].mean, ElementsAre(2));
}

}  // namespace
}  // namespace fedgap
