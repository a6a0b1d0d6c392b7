#include "common/tensor/layout.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

Layout Mixed() {
  return Layout::Create({{"conv.weight", {3, 3, 1, 4}, TensorRole::kShared},
                         {"norm.local", {4}, TensorRole::kLocal},
                         {"norm.group", {4}, TensorRole::kPerGroup},
                         {"head.bias", {10}, TensorRole::kShared}})
      .value();
}

TEST(LayoutTest, SortsByRoleAndKeepsTheOrderWithinOne) {
  const Layout layout = Mixed();
  EXPECT_EQ(layout.tensors()[0].name, "conv.weight");
  EXPECT_EQ(layout.tensors()[1].name, "head.bias");
  EXPECT_EQ(layout.tensors()[2].name, "norm.group");
  EXPECT_EQ(layout.tensors()[3].name, "norm.local");
  EXPECT_EQ(layout.range(1), (ElementRange{36, 46}));
  EXPECT_EQ(layout.elements(), 54);
}

TEST(LayoutTest, EachRoleIsOneRange) {
  const Layout layout = Mixed();
  EXPECT_EQ(layout.range(TensorRole::kShared), (ElementRange{0, 46}));
  EXPECT_EQ(layout.range(TensorRole::kPerGroup), (ElementRange{46, 50}));
  EXPECT_EQ(layout.range(TensorRole::kStatistic), (ElementRange{50, 50}));
  EXPECT_EQ(layout.range(TensorRole::kLocal), (ElementRange{50, 54}));
  EXPECT_EQ(layout.federated_range(), (ElementRange{0, 50}));
}

TEST(LayoutTest, CanonicalTextNamesRoleTypeNameAndShape) {
  EXPECT_EQ(Mixed().CanonicalText(),
            "fedgap-layout 1\n"
            "shared f32 conv.weight 3x3x1x4\n"
            "shared f32 head.bias 10\n"
            "per_group f32 norm.group 4\n"
            "local f32 norm.local 4\n");
}

TEST(LayoutTest, RefusesImpossibleTensors) {
  const auto create = [](std::vector<TensorSpec> tensors) {
    return Layout::Create(std::move(tensors)).status();
  };
  EXPECT_THAT(create({{"a", {1}}, {"a", {2}}}),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("named a")));
  EXPECT_THAT(create({{"a b", {1}}}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(create({{"", {1}}}), HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(create({{"a", {0}}}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(create({{"a", {1LL << 39, 1LL << 39}}}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(LayoutTest, FindsATensorByName) {
  EXPECT_EQ(Mixed().IndexOf("norm.group"), 2);
  EXPECT_EQ(Mixed().IndexOf("none"), -1);
}

}  // namespace
}  // namespace fedgap
