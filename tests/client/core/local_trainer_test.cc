#include "client/core/local_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "common/data/image_dataset.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// Grey images of one size and of one class, made when they are read.
class LargeImages final : public DataSource {
 public:
  LargeImages(std::int64_t samples, ImageSize size)
      : samples_(samples), size_(size) {}
  std::int64_t size() const override { return samples_; }
  int channels() const override { return 1; }
  const std::vector<std::string>& class_names() const override {
    return names_;
  }
  int label(std::int64_t) const override { return 0; }
  ImageSize image_size(std::int64_t) const override { return size_; }
  void Read(std::int64_t, const Normalization&,
            std::span<float> out) const override {
    std::ranges::fill(out, 0.5f);
    if (lowest_ == nullptr || std::less<>()(out.data(), lowest_)) {
      lowest_ = out.data();
    }
    reach_ = std::max(reach_, out.data() + out.size() - lowest_);
  }

  // How far apart the ends of two images have been that were read.
  std::ptrdiff_t reach() const { return reach_; }

 private:
  const std::int64_t samples_;
  const ImageSize size_;
  const std::vector<std::string> names_ = {"only"};
  mutable const float* lowest_ = nullptr;
  mutable std::ptrdiff_t reach_ = 0;
};

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
    return LocalTrainer::Create(engines_, data, clock_,
                                {.name = {"a"}, .should_stop = {}})
        .status();
  }

  ManualClock clock_;
  const std::unique_ptr<const Model> model_ =
      Model::Create(
          BuiltInModel("gap-cnn-s", {.classes = 3, .width = 4}).value())
          .value();
  TrainingEngines engines_{*model_, {}};
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

TEST_F(LocalTrainerTest, NamesTheSampleThatWouldTakeTooMuchMemory) {
  EXPECT_THAT(CreateFor(LargeImages(1, {20000, 20000})),
              Fails(kInvalid, AllOf(HasSubstr("sample 0"),
                                    HasSubstr("20000x20000 is too large"),
                                    HasSubstr("2048 MiB"))));
}

TEST_F(LocalTrainerTest, TheMemoryThatAnImageMayTakeIsGiven) {
  const LargeImages data(1, {512, 512});
  EXPECT_OK(CreateFor(data));
  TrainingEngines small(*model_, {.max_scratch_bytes = 10 << 20});
  EXPECT_THAT(LocalTrainer::Create(small, data, clock_,
                                   {.name = {"a"}, .should_stop = {}}),
              Fails(kInvalid, HasSubstr("the limit is 10 MiB")));
}

TEST_F(LocalTrainerTest, SaysHowOtherChannelsAreConverted) {
  EXPECT_THAT(CreateFor({9, 9}, 0, 3),
              Fails(kInvalid,
                    AllOf(HasSubstr("3 channels"), HasSubstr("--channels 1"))));
}

TEST_F(LocalTrainerTest, LooksAtFewLargeImagesTogether) {
  const LargeImages data(40, {512, 512});
  ASSERT_OK_AND_ASSIGN(
      const auto trainer,
      LocalTrainer::Create(engines_, data, clock_,
                           {.name = {"a"}, .should_stop = {}}));
  EvaluateTask work;
  work.evaluation.held_out_fraction = 0.5;
  ASSERT_OK_AND_ASSIGN(
      const Update update,
      trainer->Evaluate({}, work, model_->InitialParameters(1), {}));
  ASSERT_EQ(update.info.held_out_metrics.size(), 1U);
  EXPECT_EQ(update.info.held_out_metrics[0].sums.count, 20);
  EXPECT_LE(data.reach(), 1 << 22);
}

// Without pooled vectors the pass over the training part is left out; what is
// trained is the same.
TEST_F(LocalTrainerTest, LooksAtTheTrainingPartOnlyForPooledVectors) {
  const LargeImages data(40, {16, 16});
  const Parameters global = model_->InitialParameters(1);
  const auto train = [&](PooledMode pooled) {
    const auto trainer = LocalTrainer::Create(
        engines_, data, clock_, {.name = {"a"}, .should_stop = {}});
    TrainTask work;
    work.evaluation.pooled = pooled;
    return (*trainer)->Train({}, work, global, {}).value().update;
  };
  const Update looked = train(PooledMode::kMean);
  const Update trained = train(PooledMode::kOff);
  EXPECT_FALSE(looked.info.train_metrics.empty());
  EXPECT_TRUE(trained.info.train_metrics.empty());
  EXPECT_EQ(trained.info.held_out_metrics, looked.info.held_out_metrics);
  EXPECT_EQ(trained.delta, looked.delta);
}

}  // namespace
}  // namespace fedgap
