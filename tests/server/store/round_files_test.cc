#include "server/store/round_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

// What a user of the vectors reads beyond must not be there to be read.
TEST(RoundFilesTest, PooledVectorsOfAnotherShapeThanTheirCountsAreDamage) {
  for (const std::size_t size : {5, 7, 0}) {
    SafetensorsWriter writer;
    const std::vector<std::int64_t> count = {4};
    const std::vector<std::int64_t> counts = {2, 2};
    const std::vector<float> mean = {1, 2, 3};
    const std::vector<float> means(size, 1.0F);
    writer.Add("a/g0/count", {1}, count);
    writer.Add("a/g0/mean", {3}, mean);
    writer.Add("a/g0/class_counts", {2}, counts);
    writer.Add("a/g0/class_means", {static_cast<std::int64_t>(size)}, means);
    EXPECT_THAT(
        ParsePooled(writer.Finish()),
        Fails(absl::StatusCode::kDataLoss, HasSubstr("a/g0/class_means")))
        << size;
  }
}

// Schema 3 had the round's step in it.
TEST(RoundFilesTest, AStateOfAnEarlierReleaseIsRead) {
  SafetensorsWriter writer;
  const std::vector<float> step = {1, 2};
  const std::vector<float> momentum = {3, 4};
  writer.Add("global_delta", {2}, step);
  writer.Add("optimizer/m", {2}, momentum);
  ASSERT_OK_AND_ASSIGN(const RoundState state,
                       ParseRoundState(writer.Finish()));
  ASSERT_EQ(state.optimizer.size(), 1u);
  EXPECT_EQ(state.optimizer.at("m"), Parameters({3, 4}));
}

TEST(RoundFilesTest, PrototypesOfMoreChannelsThanCanBeAreDamage) {
  SafetensorsWriter writer;
  const std::vector<float> nothing;
  const std::vector<std::int64_t> none;
  writer.Add("prototypes/means", {0, std::int64_t{1} << 40}, nothing);
  writer.Add("prototypes/held", {0}, none);
  EXPECT_THAT(ParseRoundState(writer.Finish()),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("another shape")));
}

}  // namespace
}  // namespace fedgap
