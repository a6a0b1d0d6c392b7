#include "common/data/summary.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/data/image_dataset.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

ImageDataset OfSizes(const std::vector<ImageSize>& sizes) {
  ImageDataset::Builder builder(1, {"cat", "dog"});
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const std::vector<std::uint8_t> pixels(
        static_cast<std::size_t>(sizes[i].pixels()));
    EXPECT_OK(builder.Add(pixels, sizes[i], i == 0 ? 1 : 0,
                          static_cast<std::int32_t>(i / 2)));
  }
  return std::move(builder).Build();
}

TEST(SummaryTest, CountsClassesSizesAndBuckets) {
  const ImageDataset data =
      OfSizes({{15, 15}, {16, 16}, {24, 36}, {16, 16}, {40, 40}});
  const DataSummary summary = Summarize(data, std::vector<int>{16, 24, 29, 34});
  EXPECT_EQ(summary.samples, 5);
  EXPECT_THAT(summary.class_counts, ElementsAre(4, 1));
  EXPECT_EQ(summary.smallest, (ImageSize{15, 15}));
  EXPECT_EQ(summary.median, (ImageSize{16, 16}));
  EXPECT_EQ(summary.largest, (ImageSize{40, 40}));
  EXPECT_EQ(summary.min_side, 15);
  EXPECT_EQ(summary.max_side, 40);
  EXPECT_EQ(summary.distinct_sizes, 4);
  EXPECT_EQ(summary.not_square, 1);
  EXPECT_EQ(summary.tracks, 3);
  EXPECT_EQ(summary.pixels, 225 + 256 + 864 + 256 + 1600);
  // sqrt(24 * 36) is 29.4; an edge belongs to the bucket above it.
  EXPECT_THAT(summary.bucket_counts, ElementsAre(1, 2, 0, 1, 1));
}

TEST(SummaryTest, ReadsWell) {
  const ImageDataset data = OfSizes({{15, 15}, {24, 36}});
  EXPECT_THAT(ToString(Summarize(data, std::vector<int>{16, 24})),
              AllOf(HasSubstr("samples   2 (grey, 2 classes, 1 tracks)"),
                    HasSubstr("2 distinct, 15x15 to 24x36, median 15x15"),
                    HasSubstr("<16"), HasSubstr("16-24"), HasSubstr(">=24"),
                    HasSubstr("dog")));
}

TEST(SummaryTest, AnEmptySourceHasZeros) {
  const DataSummary summary = Summarize(OfSizes({}), {});
  EXPECT_EQ(summary.samples, 0);
  EXPECT_EQ(summary.distinct_sizes, 0);
  EXPECT_THAT(summary.bucket_counts, ElementsAre(0));
}

}  // namespace
}  // namespace fedgap
