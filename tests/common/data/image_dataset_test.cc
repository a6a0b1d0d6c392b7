#include "common/data/image_dataset.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "common/data/data_view.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ImageDataset TwoImages() {
  ImageDataset::Builder builder(1, {"cat", "dog"});
  const std::vector<std::uint8_t> a = {0, 51, 255};
  const std::vector<std::uint8_t> b = {1, 2, 3, 4};
  EXPECT_OK(builder.Add(a, {1, 3}, 1));
  EXPECT_OK(builder.Add(b, {2, 2}, 0, 7));
  return std::move(builder).Build();
}

TEST(ImageDatasetTest, KeepsImagesOfDifferentSizes) {
  const ImageDataset data = TwoImages();
  EXPECT_EQ(data.size(), 2);
  EXPECT_EQ(data.label(0), 1);
  EXPECT_EQ(data.image_size(0), (ImageSize{1, 3}));
  EXPECT_EQ(data.image_size(1), (ImageSize{2, 2}));
  EXPECT_THAT(data.pixels(1), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(data.track(0), DataSource::kNoTrack);
  EXPECT_EQ(data.track(1), 7);
  EXPECT_THAT(Labels(data), ElementsAre(1, 0));
}

TEST(ImageDatasetTest, NormalisesInDoubleAndRoundsOnce) {
  const ImageDataset data = TwoImages();
  std::vector<float> out(3);
  data.Read(0, {{0.2860}, {0.3530}}, out);
  EXPECT_EQ(out[0], static_cast<float>((0.0 - 0.2860) / 0.3530));
  EXPECT_EQ(out[1], static_cast<float>((51.0 / 255 - 0.2860) / 0.3530));
  EXPECT_EQ(out[2], static_cast<float>((1.0 - 0.2860) / 0.3530));
}

TEST(ImageDatasetTest, NormalisesEachChannelByItsOwn) {
  ImageDataset::Builder builder(3, {"one"});
  const std::vector<std::uint8_t> pixels = {255, 255, 255, 0, 0, 0};
  ASSERT_OK(builder.Add(pixels, {1, 2}, 0));
  const ImageDataset data = std::move(builder).Build();
  std::vector<float> out(6);
  data.Read(0, {{0, 0.5, 1}, {1, 0.5, 0.25}}, out);
  EXPECT_THAT(out, ElementsAre(1, 1, 0, 0, -1, -4));
}

TEST(ImageDatasetTest, RefusesWhatDoesNotFit) {
  ImageDataset::Builder builder(1, {"cat", "dog"});
  const std::vector<std::uint8_t> pixels(4);
  EXPECT_THAT(builder.Add(pixels, {2, 2}, 2),
              Fails(kInvalid, HasSubstr("label 2 is out of range")));
  EXPECT_THAT(builder.Add(pixels, {2, 2}, -1), HasCode(kInvalid));
  EXPECT_THAT(builder.Add(pixels, {0, 2}, 0),
              Fails(kInvalid, HasSubstr("0x2 has no pixels")));
  EXPECT_THAT(builder.Add(pixels, {3, 2}, 0),
              Fails(kInvalid, HasSubstr("needs 6")));
  EXPECT_EQ(builder.size(), 0u);
}

TEST(ImageDatasetTest, TakesManyImagesOfOneSize) {
  ImageDataset::Builder builder(1, {"a", "b"});
  const std::vector<std::uint8_t> labels = {0, 1};
  ASSERT_OK(builder.AddAll({1, 2, 3, 4}, {1, 2}, labels));
  ASSERT_OK(builder.AddAll({5, 6, 7, 8}, {1, 2}, labels));
  EXPECT_THAT(builder.AddAll({5, 6, 7}, {1, 2}, labels), HasCode(kInvalid));
  const std::vector<std::uint8_t> wrong = {0, 2};
  EXPECT_THAT(builder.AddAll({5, 6, 7, 8}, {1, 2}, wrong),
              Fails(kInvalid, HasSubstr("sample 1: label 2")));
  const ImageDataset data = std::move(builder).Build();
  EXPECT_EQ(data.size(), 4);
  EXPECT_THAT(data.pixels(1), ElementsAre(3, 4));
  EXPECT_THAT(data.pixels(2), ElementsAre(5, 6));
  EXPECT_FALSE(data.has_tracks());
}

TEST(SubsetTest, CopiesTheSamplesInTheGivenOrder) {
  const ImageDataset data = TwoImages();
  const std::vector<std::uint32_t> indices = {1, 0, 1};
  const ImageDataset subset = Subset(data, indices);
  EXPECT_THAT(Labels(subset), ElementsAre(0, 1, 0));
  EXPECT_THAT(subset.pixels(2), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(subset.track(0), 7);
  EXPECT_EQ(subset.track(1), DataSource::kNoTrack);
}

TEST(DataViewTest, ShowsAPartOfItsBase) {
  const auto base = std::make_shared<const ImageDataset>(TwoImages());
  const DataView view(base, {1});
  EXPECT_EQ(view.size(), 1);
  EXPECT_EQ(view.label(0), 0);
  EXPECT_EQ(view.image_size(0), (ImageSize{2, 2}));
  EXPECT_EQ(view.track(0), 7);
  EXPECT_EQ(view.class_names(), base->class_names());
  std::vector<float> out(4);
  view.Read(0, {{0}, {1.0 / 255}}, out);
  EXPECT_THAT(out, ElementsAre(1, 2, 3, 4));
}

TEST(DataViewDeathTest, RefusesAPositionOutsideItsBase) {
  const auto base = std::make_shared<const ImageDataset>(TwoImages());
  EXPECT_DEATH(DataView(base, {2}), "i < base_->size");
}

}  // namespace
}  // namespace fedgap
