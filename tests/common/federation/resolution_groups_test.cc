#include "common/federation/resolution_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

TEST(ResolutionGroupsTest, PutsTheDemosSizesIntoFiveGroups) {
  ASSERT_OK_AND_ASSIGN(const ResolutionGroups groups,
                       ResolutionGroups::Create({16, 24, 29, 34}));
  EXPECT_EQ(groups.count(), 5);
  EXPECT_EQ(groups.GroupOf({14, 14}), 0);
  EXPECT_EQ(groups.GroupOf({20, 20}), 1);
  EXPECT_EQ(groups.GroupOf({28, 28}), 2);
  EXPECT_EQ(groups.GroupOf({24, 36}), 3);  // sqrt(864) = 29.4
  EXPECT_EQ(groups.GroupOf({36, 24}), 3);
  EXPECT_EQ(groups.GroupOf({40, 40}), 4);
}

TEST(ResolutionGroupsTest, AnEdgeBelongsToTheGroupAboveIt) {
  ASSERT_OK_AND_ASSIGN(const ResolutionGroups groups,
                       ResolutionGroups::Create({16}));
  EXPECT_EQ(groups.GroupOf({16, 16}), 1);
  EXPECT_EQ(groups.GroupOf({15, 17}), 0);  // 255 pixels
  EXPECT_EQ(groups.GroupOf({1, 257}), 1);
}

TEST(ResolutionGroupsTest, LabelsSayTheBounds) {
  ASSERT_OK_AND_ASSIGN(const ResolutionGroups groups,
                       ResolutionGroups::Create({16, 24, 34}));
  EXPECT_EQ(groups.Label(0), "<16");
  EXPECT_EQ(groups.Label(1), "16-24");
  EXPECT_EQ(groups.Label(2), "24-34");
  EXPECT_EQ(groups.Label(3), ">=34");
}

TEST(ResolutionGroupsTest, WithoutEdgesThereIsOneGroupOfAllSizes) {
  const ResolutionGroups groups;
  EXPECT_EQ(groups.count(), 1);
  EXPECT_EQ(groups.GroupOf({1, 1}), 0);
  EXPECT_EQ(groups.GroupOf({100000, 100000}), 0);
  EXPECT_EQ(groups.Label(0), "all");
  EXPECT_EQ(groups, ResolutionGroups::Create({}).value());
}

TEST(ResolutionGroupsTest, LargestEdgeAndImageDoNotOverflow) {
  constexpr int kMax = std::numeric_limits<int>::max();
  ASSERT_OK_AND_ASSIGN(const ResolutionGroups groups,
                       ResolutionGroups::Create({kMax}));
  EXPECT_EQ(groups.GroupOf({kMax, kMax - 1}), 0);
  EXPECT_EQ(groups.GroupOf({kMax, kMax}), 1);
}

TEST(ResolutionGroupsTest, RefusesImpossibleEdges) {
  const auto create = [](std::vector<int> edges) {
    return ResolutionGroups::Create(std::move(edges));
  };
  EXPECT_THAT(create({0}), Fails(absl::StatusCode::kInvalidArgument,
                                 HasSubstr("not positive")));
  EXPECT_THAT(create({16, 16}), Fails(absl::StatusCode::kInvalidArgument,
                                      HasSubstr("16 stands after 16")));
  EXPECT_THAT(create({24, 16}), HasCode(absl::StatusCode::kInvalidArgument));
  std::vector<int> many(ResolutionGroups::kMaxGroups - 1);
  std::iota(many.begin(), many.end(), 1);
  EXPECT_OK(create(many));
  many.push_back(1000);
  EXPECT_THAT(create(many), Fails(absl::StatusCode::kInvalidArgument,
                                  HasSubstr("at most 64")));
}

}  // namespace
}  // namespace fedgap
