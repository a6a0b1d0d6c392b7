#include "server/evaluation/held_out_evaluator.h"

#include <gtest/gtest.h>

#include <numeric>

#include "common/data/resize.h"
#include "common/data/synthetic.h"
#include "common/nn/model_spec.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

class HeldOutEvaluatorTest : public ::testing::Test {
 protected:
  HeldOutEvaluatorTest() {
    auto spec = BuiltInModel("gap-cnn-gn", {.classes = 4, .width = 8});
    model_ = Model::Create(std::move(spec).value()).value();
    parameters_ = model_->InitialParameters(1);
    data_ = std::make_shared<const ImageDataset>(
        MakeSynthetic({.seed = 1, .samples = 60}));
  }

  ServerEvaluation Evaluate(const HeldOutEvaluator::Options& options,
                            const Prototypes& prototypes = {}) {
    auto evaluator = HeldOutEvaluator::Create(*model_, data_, options);
    EXPECT_OK(evaluator);
    auto evaluation = (*evaluator)->Evaluate(parameters_, prototypes);
    EXPECT_OK(evaluation);
    return std::move(evaluation).value();
  }
  static ResolutionGroups Groups(std::vector<int> edges) {
    return ResolutionGroups::Create(std::move(edges)).value();
  }
  // The scores of one image, without the evaluator.
  BatchMetrics ScoreOne(const ImageDataset& data, std::int64_t i) {
    const ImageSize size = data.image_size(i);
    Parameters pixels(static_cast<std::size_t>(size.pixels()));
    data.Read(i, model_->spec().normalization, pixels);
    ThreadPool pool(1);
    InferenceEngine engine(*model_, pool);
    engine.Load(parameters_);
    std::vector<float> logits(4);
    const ImageView view{.pixels = pixels.data(), .size = size, .channels = 1};
    engine.Run({&view, 1}, logits, {});
    return ScoreLogits(logits, data.label(i));
  }

  std::unique_ptr<const Model> model_;
  Parameters parameters_;
  std::shared_ptr<const ImageDataset> data_;
};

TEST_F(HeldOutEvaluatorTest, CountsAsOneImageAfterTheOther) {
  BatchMetrics expected;
  for (std::int64_t i = 0; i < data_->size(); ++i) {
    expected += ScoreOne(*data_, i);
  }
  const ServerEvaluation evaluation = Evaluate({.threads = 2});
  ASSERT_EQ(evaluation.sizes.size(), 1u);
  EXPECT_EQ(evaluation.sizes[0].size, "");
  EXPECT_EQ(evaluation.sizes[0].sums, expected);
  EXPECT_DOUBLE_EQ(evaluation.fairness.mean, expected.accuracy());
}

TEST_F(HeldOutEvaluatorTest, GivesTheSameForAnyNumberOfThreads) {
  const auto groups = Groups({16, 24, 32});
  const ServerEvaluation one = Evaluate({.groups = groups, .threads = 1});
  const ServerEvaluation three = Evaluate({.groups = groups, .threads = 3});
  EXPECT_EQ(one.groups, three.groups);
}

TEST_F(HeldOutEvaluatorTest, EvaluatesAtEverySize) {
  const ServerEvaluation evaluation =
      Evaluate({.sizes = {{14, 14}, {24, 36}, {28, 28}},
                .groups = Groups({16, 29}),
                .threads = 2});
  ASSERT_EQ(evaluation.sizes.size(), 3u);
  EXPECT_EQ(evaluation.sizes[1].size, "24x36");
  EXPECT_EQ(evaluation.sizes[1].group, 2);
  ASSERT_EQ(evaluation.groups.size(), 3u);
  ASSERT_OK_AND_ASSIGN(const auto resized, Resize(*data_, {14, 14}));
  BatchMetrics expected;
  for (std::int64_t i = 0; i < resized.size(); ++i) {
    expected += ScoreOne(resized, i);
  }
  EXPECT_EQ(evaluation.groups[0].sums, expected);
}

// The rival: what the model sees is resized, what is counted is not.
TEST_F(HeldOutEvaluatorTest, ResizedImagesCountUnderTheirOwnSize) {
  const ServerEvaluation evaluation = Evaluate({.sizes = {{14, 14}},
                                                .groups = Groups({16, 29}),
                                                .resize = ImageSize{28, 28},
                                                .threads = 1});
  ASSERT_EQ(evaluation.sizes.size(), 1u);
  EXPECT_EQ(evaluation.sizes[0].size, "14x14");
  EXPECT_EQ(evaluation.sizes[0].group, 0);
  ASSERT_OK_AND_ASSIGN(const auto small, Resize(*data_, {14, 14}));
  ASSERT_OK_AND_ASSIGN(const auto seen, Resize(small, {28, 28}));
  BatchMetrics expected;
  for (std::int64_t i = 0; i < seen.size(); ++i) {
    expected += ScoreOne(seen, i);
  }
  EXPECT_EQ(evaluation.sizes[0].sums, expected);
}

TEST_F(HeldOutEvaluatorTest, NativeSizesHaveAnEntryPerGroup) {
  const ServerEvaluation evaluation =
      Evaluate({.groups = Groups({20, 30, 500}), .threads = 1});
  ASSERT_EQ(evaluation.sizes.size(), 3u);
  std::int64_t count = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(evaluation.sizes[i].group, static_cast<int>(i));
    EXPECT_EQ(evaluation.sizes[i].sums, evaluation.groups[i].sums);
    count += evaluation.sizes[i].sums.count;
  }
  EXPECT_EQ(count, 60);
}

TEST_F(HeldOutEvaluatorTest, ConfusionHoldsEverySample) {
  const ServerEvaluation evaluation = Evaluate({.threads = 1});
  const auto& entry = evaluation.sizes[0];
  ASSERT_EQ(entry.confusion.size(), 16u);
  EXPECT_EQ(std::accumulate(entry.confusion.begin(), entry.confusion.end(),
                            std::int64_t{0}),
            60);
  EXPECT_EQ(entry.confusion[0] + entry.confusion[5] + entry.confusion[10] +
                entry.confusion[15],
            entry.sums.correct);
}

TEST_F(HeldOutEvaluatorTest, DrawsTheSameSubsetEachTime) {
  const HeldOutEvaluator::Options options{
      .max_samples = 20, .seed = 7, .threads = 1};
  const ServerEvaluation first = Evaluate(options);
  EXPECT_EQ(first.sizes[0].sums.count, 20);
  EXPECT_EQ(first.sizes[0].sums, Evaluate(options).sizes[0].sums);
}

TEST_F(HeldOutEvaluatorTest, PrototypesAreScoredBesideTheHead) {
  const int channels = model_->pooled_channels();
  Prototypes prototypes{
      .classes = 4,
      .channels = channels,
      .means = std::vector<float>(static_cast<std::size_t>(4 * channels)),
      .held = {false, true, false, false}};
  const ServerEvaluation evaluation = Evaluate({.threads = 1}, prototypes);
  // Everything is nearest to the only class that is held.
  EXPECT_EQ(evaluation.sizes[0].prototype_correct, 15);
  ASSERT_EQ(evaluation.prototype_groups.size(), 1u);
  EXPECT_EQ(evaluation.prototype_groups[0].sums.correct, 15);
  prototypes.channels -= 1;
  EXPECT_TRUE(Evaluate({.threads = 1}, prototypes).prototype_groups.empty());
}

TEST_F(HeldOutEvaluatorTest, NamesWhatDoesNotFitTheModel) {
  const auto create = [&](const ImageDataset& data, ImageSize size) {
    return HeldOutEvaluator::Create(
               *model_,
               std::make_shared<const ImageDataset>(
                   Subset(data, std::vector<std::uint32_t>{0, 1})),
               {.sizes = {size}, .threads = 1})
        .status();
  };
  EXPECT_THAT(create(MakeSynthetic({.samples = 8, .channels = 3}), {28, 28}),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("3 channels, the model takes 1")));
  EXPECT_THAT(create(*data_, {1, 28}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

// Before any image is brought to a size that takes all memory.
TEST_F(HeldOutEvaluatorTest, RefusesASizeThatTakesTooMuchMemory) {
  const auto create = [&](const HeldOutEvaluator::Options& options) {
    return HeldOutEvaluator::Create(*model_, data_, options).status();
  };
  EXPECT_THAT(create({.sizes = {{28, 28}, {9000, 9000}}, .threads = 1}),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("9000x9000 is too large")));
  EXPECT_THAT(create({.resize = ImageSize{9000, 9000}, .threads = 1}),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("9000x9000 is too large")));
  // Images at their own sizes.
  EXPECT_THAT(create({.threads = 1, .max_scratch_bytes = 1000}),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("the limit is 1 MiB")));
}

TEST_F(HeldOutEvaluatorTest, RefusesParametersOfAnotherModel) {
  ASSERT_OK_AND_ASSIGN(
      const auto evaluator,
      HeldOutEvaluator::Create(*model_, data_, {.threads = 1}));
  EXPECT_THAT(evaluator->Evaluate(std::span(parameters_).first(3), {}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(NearestPrototypeTest, TakesTheFirstOfTiesAmongThoseHeld) {
  const Prototypes prototypes{.classes = 3,
                              .channels = 2,
                              .means = {0, 0, 1, 1, 1, 1},
                              .held = {true, true, true}};
  const std::vector<float> near_one = {0.9f, 0.9f};
  EXPECT_EQ(NearestPrototype(prototypes, near_one), 1);
  EXPECT_EQ(NearestPrototype(
                {.classes = 1, .channels = 2, .means = {0, 0}, .held = {false}},
                near_one),
            -1);
}

}  // namespace
}  // namespace fedgap
