#include "common/data/resize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "common/base/file_io.h"
#include "common/data/pnm.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::uint8_t> ReadGolden(const std::string& name) {
  StatusOr<std::vector<std::uint8_t>> bytes =
      ReadFileBytes(SourceDir() / "tests/golden/resize" / name);
  EXPECT_OK(bytes);
  return bytes.ok() ? *std::move(bytes) : std::vector<std::uint8_t>();
}

struct GoldenCase {
  const char* name;
  int channels;
  ImageSize to;
};

class ResizeGoldenTest : public ::testing::TestWithParam<GoldenCase> {};

// The golden values are in 1/256 of a level: half a level of rounding and 4/256
// for the fixed-point weights.
TEST_P(ResizeGoldenTest, IsPyTorchsResultRounded) {
  const GoldenCase& row = GetParam();
  ASSERT_OK_AND_ASSIGN(const DecodedImage in,
                       DecodePnm(ReadGolden(std::string(row.name) + "_in.ppm"),
                                 {.channels = row.channels}));
  const std::vector<std::uint8_t> want =
      ReadGolden(std::string(row.name) + "_out.u16");
  BilinearResizer resizer(in.size, row.to, row.channels);
  std::vector<std::uint8_t> out(want.size() / 2);
  resizer.Resize(in.pixels, out);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int exact = want[2 * i] * 256 + want[2 * i + 1];
    ASSERT_LE(std::abs(out[i] * 256 - exact), 128 + 4) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ResizeGoldenTest,
    ::testing::Values(
        GoldenCase{"halve", 1, {14, 14}}, GoldenCase{"to20", 1, {20, 20}},
        GoldenCase{"enlarge", 1, {40, 40}},
        GoldenCase{"tall_to_wide", 1, {24, 36}},
        GoldenCase{"colour", 3, {14, 17}}, GoldenCase{"shrink_much", 3, {9, 5}},
        GoldenCase{"to_one", 1, {1, 1}}, GoldenCase{"from_one", 3, {4, 3}},
        GoldenCase{"one_axis", 3, {19, 11}}),
    [](const auto& row) { return std::string(row.param.name); });

TEST(BilinearResizerTest, HalvesByTheTriangleFilter) {
  // Weights 1/8, 3/8, 3/8, 1/8; at the border, without the outer one, 3/7,
  // 3/7, 1/7.
  const std::vector<std::uint8_t> in = {0, 80, 160, 240};
  std::vector<std::uint8_t> out(2);
  BilinearResizer({1, 4}, {1, 2}, 1).Resize(in, out);
  EXPECT_THAT(out, ElementsAre(57, 183));
}

TEST(BilinearResizerTest, TheSameSizeIsTheSameImage) {
  std::vector<std::uint8_t> in(5 * 6 * 3);
  for (std::size_t i = 0; i < in.size(); ++i) {
    in[i] = static_cast<std::uint8_t>(i * 37);
  }
  std::vector<std::uint8_t> out(in.size());
  BilinearResizer({5, 6}, {5, 6}, 3).Resize(in, out);
  EXPECT_EQ(out, in);
}

TEST(BilinearResizerTest, AFlatImageStaysFlat) {
  for (const std::uint8_t value : std::vector<std::uint8_t>{0, 1, 127, 255}) {
    const std::vector<std::uint8_t> in(101 * 53, value);
    for (const ImageSize to : {ImageSize{1, 1}, {7, 11}, {200, 300}}) {
      std::vector<std::uint8_t> out(static_cast<std::size_t>(to.pixels()));
      BilinearResizer({101, 53}, to, 1).Resize(in, out);
      EXPECT_THAT(out, Each(value));
    }
  }
}

TEST(ResizeTest, ResizesMixedSizesAndKeepsLabelsAndTracks) {
  ImageDataset::Builder builder(1, {"a", "b"});
  ASSERT_OK(builder.Add(std::vector<std::uint8_t>(6, 9), {2, 3}, 1, 4));
  ASSERT_OK(builder.Add(std::vector<std::uint8_t>(20, 7), {5, 4}, 0, 5));
  const ImageDataset data = std::move(builder).Build();
  ASSERT_OK_AND_ASSIGN(const ImageDataset resized, Resize(data, {3, 2}));
  EXPECT_EQ(resized.size(), 2);
  EXPECT_EQ(resized.image_size(1), (ImageSize{3, 2}));
  EXPECT_THAT(resized.pixels(0), Each(9));
  EXPECT_THAT(resized.pixels(1), Each(7));
  EXPECT_EQ(resized.label(0), 1);
  EXPECT_EQ(resized.track(1), 5);
}

TEST(ResizeTest, RefusesSizesOutOfRange) {
  ImageDataset::Builder builder(1, {"a"});
  ASSERT_OK(builder.Add(std::vector<std::uint8_t>(1), {1, 1}, 0));
  const ImageDataset data = std::move(builder).Build();
  for (const ImageSize size : {ImageSize{0, 3}, {3, -1}, {3, 20000}}) {
    EXPECT_THAT(Resize(data, size), Fails(absl::StatusCode::kInvalidArgument,
                                          HasSubstr("each side must be")));
  }
}

}  // namespace
}  // namespace fedgap
