#include "dashboard/model/pooled_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "common/tensor/safetensors.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class PooledViewTest : public ::testing::Test {
 protected:
  // Mean pooled vectors by "CLIENT/gN".
  void Write(int round, const std::map<std::string, std::vector<float>>& means,
             const std::vector<float>& class_means = {},
             const std::vector<std::int64_t>& class_counts = {}) {
    SafetensorsWriter writer;
    for (const auto& [owner, mean] : means) {
      writer.Add(owner + "/mean", Shape({static_cast<int>(mean.size())}), mean);
      if (class_counts.empty()) continue;
      const auto classes = static_cast<int>(class_counts.size());
      writer.Add(owner + "/class_means",
                 Shape({classes, static_cast<int>(mean.size())}), class_means);
      writer.Add(owner + "/class_counts", Shape({classes}), class_counts);
    }
    std::filesystem::create_directories(dir_ / "pooled");
    ASSERT_OK(WriteFileAtomic(PathOf(round), writer.Finish()));
  }
  std::filesystem::path PathOf(int round) const {
    std::string number = std::to_string(round);
    number.insert(0, 6 - number.size(), '0');
    return dir_ / ("pooled/round-" + number + ".safetensors");
  }
  TempDir dir_;
};

TEST_F(PooledViewTest, IsAbsentWithoutFiles) {
  EXPECT_FALSE(ReadPooledView(dir_.path()).has_value());
}

TEST_F(PooledViewTest, PrincipalComponentsAreThoseOfTheOffsets) {
  // About the mean (1, 1, 1): +-2 along the first axis, +-1 along the third.
  Write(1, {{"a/g0", {3, 1, 1}},
            {"b/g0", {-1, 1, 1}},
            {"c/g1", {1, 1, 2}},
            {"d/g1", {1, 1, 0}}});
  const auto view = ReadPooledView(dir_.path());
  ASSERT_TRUE(view.has_value());
  ASSERT_THAT(view->rounds, SizeIs(1));
  EXPECT_THAT(view->explained_x, DoubleNear(0.8, 1e-9));
  EXPECT_THAT(view->explained_y, DoubleNear(0.2, 1e-9));
  const auto& points = view->rounds[0].points;
  ASSERT_THAT(points, SizeIs(4));
  EXPECT_EQ(points[0].client, "a");
  EXPECT_THAT(points[0].x, DoubleNear(2, 1e-9));
  EXPECT_THAT(points[1].x, DoubleNear(-2, 1e-9));
  EXPECT_THAT(points[2].y, DoubleNear(1, 1e-9));
  EXPECT_EQ(points[3].group, 1);
}

TEST_F(PooledViewTest, DriftIsTheCosineOfMeans) {
  Write(1, {{"a/g0", {1, 0}}, {"b/g1", {0, 1}}});
  Write(2, {{"a/g0", {1, 1}}, {"b/g1", {0, 1}}});
  const auto view = ReadPooledView(dir_.path());
  ASSERT_TRUE(view.has_value());
  ASSERT_THAT(view->rounds, SizeIs(2));
  EXPECT_FALSE(view->rounds[0].drift[0].to_previous.has_value());
  EXPECT_THAT(view->rounds[0].drift[0].to_all,
              DoubleNear(std::sqrt(0.5), 1e-9));
  EXPECT_THAT(*view->rounds[1].drift[0].to_previous,
              DoubleNear(std::sqrt(0.5), 1e-9));
  EXPECT_THAT(*view->rounds[1].drift[1].to_previous, DoubleNear(1, 1e-9));
}

TEST_F(PooledViewTest, DistancesAreBetweenClassesThatSomebodyHolds) {
  Write(1, {{"a/g0", {1, 0}}}, {0, 0, 3, 4, 9, 9}, {5, 6, 0});
  const auto view = ReadPooledView(dir_.path());
  ASSERT_TRUE(view.has_value());
  EXPECT_EQ(view->classes, 3);
  EXPECT_THAT(view->distances[0 * 3 + 1], DoubleNear(5, 1e-6));
  EXPECT_TRUE(std::isnan(view->distances[0 * 3 + 2])) << "nobody holds it";
}

TEST_F(PooledViewTest, LooksAtSomeOfManyRoundsAndAtTheNewest) {
  for (int round = 1; round <= 10; ++round) {
    Write(round, {{"a/g0", {1, static_cast<float>(round)}}});
  }
  const auto view = ReadPooledView(dir_.path(), 4);
  EXPECT_THAT(view->rounds, ElementsAre(Field(&PooledRound::round, 1),
                                        Field(&PooledRound::round, 4),
                                        Field(&PooledRound::round, 7),
                                        Field(&PooledRound::round, 10)));
}

TEST_F(PooledViewTest, NamesFilesThatCannotBeRead) {
  Write(1, {{"a/g0", {1, 2}}});
  ASSERT_OK(WriteFileAtomic(PathOf(2), std::string_view("half a fi")));
  Write(3, {{"a/g0", {1, std::nanf("")}}});
  const auto view = ReadPooledView(dir_.path());
  ASSERT_TRUE(view.has_value());
  EXPECT_THAT(view->rounds, SizeIs(1));
  EXPECT_THAT(view->problems,
              ElementsAre(HasSubstr("round-000002.safetensors: "),
                          HasSubstr("a/g0/mean makes no sense")));
}

}  // namespace
}  // namespace fedgap
