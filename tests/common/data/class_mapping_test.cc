#include "common/data/class_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/data/image_dataset.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using Names = std::vector<std::string>;

const Names kAnimals = {"bird", "cat", "dog"};

std::vector<int> Mapped(const Names& own, const Names& federation) {
  return MapClasses(own, federation).value();
}

TEST(MapClassesTest, NamesGetTheFederationsNumbers) {
  EXPECT_THAT(Mapped({"cat", "dog"}, kAnimals), ElementsAre(1, 2));
  EXPECT_THAT(Mapped({"dog", "bird"}, kAnimals), ElementsAre(2, 0));
  EXPECT_THAT(Mapped(kAnimals, kAnimals), ElementsAre(0, 1, 2));
}

TEST(MapClassesTest, WithoutNamesOnEitherSideNumbersStay) {
  EXPECT_THAT(Mapped({"cat", "dog"}, {}), ElementsAre(0, 1));
  EXPECT_THAT(Mapped({"0", "1", "2"}, kAnimals), ElementsAre(0, 1, 2));
  EXPECT_TRUE(Mapped({}, kAnimals).empty());
}

// Directories named by numbers sort as text, and one may be missing.
TEST(MapClassesTest, NumbersThatAreNamesAreMappedByName) {
  Names numbers;
  for (int i = 0; i < 12; ++i) numbers.push_back(std::to_string(i));
  EXPECT_THAT(Mapped({"0", "1", "10", "11", "3"}, numbers),
              ElementsAre(0, 1, 10, 11, 3));
  const Names sorted = {"0", "1", "10", "2"};
  EXPECT_THAT(Mapped({"0", "1", "2"}, sorted), ElementsAre(0, 1, 3));
}

TEST(MapClassesTest, AnUnknownClassIsAnErrorThatNamesBothLists) {
  EXPECT_THAT(MapClasses({"cat", "dgo"}, kAnimals),
              Fails(absl::StatusCode::kInvalidArgument,
                    AllOf(HasSubstr("no class 'dgo'"), HasSubstr("'dog'"),
                          HasSubstr("bird, cat, dog"), HasSubstr("cat, dgo"))));
  // A class is missing: these are names, not numbers.
  EXPECT_THAT(MapClasses({"0", "2"}, kAnimals),
              HasCode(absl::StatusCode::kInvalidArgument));
}

ImageDataset CatAndDog() {
  ImageDataset::Builder builder(1, {"cat", "dog"});
  EXPECT_OK(builder.Add(std::vector<std::uint8_t>{10}, {1, 1}, 0, 7));
  EXPECT_OK(builder.Add(std::vector<std::uint8_t>{20, 30}, {1, 2}, 1, 8));
  return std::move(builder).Build();
}

TEST(WithClassesOfTest, LabelsAndNamesAreTheFederationsTheRestIsTheData) {
  const ImageDataset data = CatAndDog();
  ASSERT_OK_AND_ASSIGN(const auto mapped, WithClassesOf(kAnimals, data));
  ASSERT_NE(mapped, nullptr);
  EXPECT_EQ(mapped->class_names(), kAnimals);
  EXPECT_EQ(mapped->size(), 2);
  EXPECT_EQ(mapped->channels(), 1);
  EXPECT_EQ(mapped->label(0), 1);
  EXPECT_EQ(mapped->label(1), 2);
  EXPECT_EQ(mapped->track(1), 8);
  EXPECT_EQ(mapped->image_size(1), (ImageSize{1, 2}));
  std::vector<float> own(2);
  std::vector<float> same(2);
  const Normalization normalization = {{0.5}, {0.5}};
  data.Read(1, normalization, own);
  mapped->Read(1, normalization, same);
  EXPECT_EQ(same, own);
}

TEST(WithClassesOfTest, DataWithTheSameLabelsIsLeftAsItIs) {
  const ImageDataset data = CatAndDog();
  for (const Names& federation : {Names{}, Names{"cat", "dog", "emu"}}) {
    ASSERT_OK_AND_ASSIGN(const auto mapped, WithClassesOf(federation, data));
    EXPECT_EQ(mapped, nullptr);
  }
}

}  // namespace
}  // namespace fedgap
