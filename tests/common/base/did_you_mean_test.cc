#include "common/base/did_you_mean.h"

#include <gtest/gtest.h>

#include <vector>

namespace fedgap {
namespace {

TEST(EditDistanceTest, CountsInsertionsDeletionsSubstitutionsAndSwaps) {
  EXPECT_EQ(EditDistance("rounds", "rounds"), 0);
  EXPECT_EQ(EditDistance("round", "rounds"), 1);
  EXPECT_EQ(EditDistance("ruonds", "rounds"), 1);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("", "abc"), 3);
}

TEST(DidYouMeanTest, SuggestsTheNearestNameOnlyIfItIsNear) {
  const std::vector<std::string> known = {"rounds", "cohort", "deadline"};
  EXPECT_EQ(DidYouMean("ruonds", known), "; did you mean 'rounds'?");
  EXPECT_EQ(DidYouMean("dead_line", known), "; did you mean 'deadline'?");
  EXPECT_EQ(DidYouMean("zebra", known), "");
}

}  // namespace
}  // namespace fedgap
