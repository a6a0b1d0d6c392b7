#include "client/core/local_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "common/data/image_dataset.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

class LocalTrainerTest : public ::testing::Test {
 protected:
  // What a client of one fitting and one other image is told.
  Status CreateFor(ImageSize size, int label, int channels = 1) {
    ImageDataset::Builder builder(channels, {"0", "1", "2", "3"});
    const auto bytes = [channels](ImageSize s) {
      return std::vector<std::uint8_t>(
          static_cast<std::size_t>(s.pixels() * channels));
    };
    EXPECT_OK(builder.Add(bytes({9, 9}), {9, 9}, 0));
    EXPECT_OK(builder.Add(bytes(size), size, label));
    return CreateFor(std::move(builder).Build());
  }
  Status CreateFor(const DataSource& data) {
    return LocalTrainer::Create(*model_, data, clock_,
                                {.name = {"a"}, .should_stop = {}})
        .status();
  }

  ManualClock clock_;
  const std::unique_ptr<const Model> model_ =
      Model::Create(
          BuiltInModel("gap-cnn-s", {.classes = 3, .width = 4}).value())
          .value();
};

TEST_F(LocalTrainerTest, TakesDataThatFitsTheModel) {
  EXPECT_OK(CreateFor({12, 7}, 2));
}

TEST_F(LocalTrainerTest, RefusesAnEmptyPart) {
  EXPECT_THAT(CreateFor(ImageDataset::Builder(1, {"0"}).Build()),
              Fails(kInvalid, HasSubstr("no samples")));
}

TEST_F(LocalTrainerTest, NamesTheSampleWhoseLabelIsNoClassOfTheModel) {
  EXPECT_THAT(CreateFor({9, 9}, 3),
              Fails(kInvalid, AllOf(HasSubstr("sample 1 has label 3"),
                                    HasSubstr("3 classes"))));
}

TEST_F(LocalTrainerTest, NamesTheSampleThatIsTooSmallAndWhatWouldDo) {
  EXPECT_THAT(CreateFor({1, 9}, 0),
              Fails(kInvalid, AllOf(HasSubstr("sample 1"), HasSubstr("1x9"),
                                    HasSubstr("4x4"))));
}

TEST_F(LocalTrainerTest, SaysHowOtherChannelsAreConverted) {
  EXPECT_THAT(CreateFor({9, 9}, 0, 3),
              Fails(kInvalid,
                    AllOf(HasSubstr("3 channels"), HasSubstr("--channels 1"))));
}

}  // namespace
}  // namespace fedgap
