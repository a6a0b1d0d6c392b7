#include "common/nn/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "common/base/counter_rng.h"
#include "common/nn/model_spec.h"
#include "tests/common/nn/reference_network.h"
#include "tests/common/nn/test_networks.h"
#include "tests/testing/gradient_check.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

std::unique_ptr<const Model> MakeModel(const ModelSpec& spec) {
  auto model = Model::Create(spec);
  EXPECT_TRUE(model.ok()) << model.status();
  return std::move(model).value();
}

// Initial parameters with scales and shifts that are not 1 and 0.
Parameters SomeParameters(const Model& model) {
  Parameters parameters = model.InitialParameters(5);
  CounterRng rng(3, RngPurpose::kSynthetic);
  for (float& value : parameters) {
    value += static_cast<float>(0.2 * rng.Normal());
  }
  return parameters;
}

std::vector<double> ToDouble(std::span<const float> values) {
  return {values.begin(), values.end()};
}

struct GradientResult {
  BatchMetrics metrics;
  Parameters gradient;
};

GradientResult ComputeGradient(const Model& model,
                               std::span<const Example> batch,
                               GradientEngine::Options options = {},
                               int threads = 1) {
  ThreadPool pool(threads);
  GradientEngine engine(model, pool, options);
  const Parameters parameters = SomeParameters(model);
  GradientResult result;
  result.gradient.resize(parameters.size(),
                         std::numeric_limits<float>::quiet_NaN());
  result.metrics = engine.Compute(parameters, batch, result.gradient);
  return result;
}

const std::vector<ImageSize> kSizes = {{8, 8}, {5, 11}, {8, 8}, {6, 5},
                                       {9, 7}, {5, 5},  {12, 6}};

class NetworkTest
    : public ::testing::TestWithParam<std::pair<std::string, ModelSpec>> {
 protected:
  std::unique_ptr<const Model> model_ = MakeModel(GetParam().second);
};

TEST_P(NetworkTest, InferenceAgreesWithTheReference) {
  const TestImages images(*model_, kSizes);
  const Parameters parameters = SomeParameters(*model_);
  for (const kernels::Isa isa : kernels::SupportedIsas()) {
    SCOPED_TRACE(kernels::ToString(isa));
    ThreadPool pool(2);
    InferenceEngine engine(*model_, pool, isa);
    engine.Load(parameters);
    const auto pooled_channels =
        static_cast<std::size_t>(model_->pooled_channels());
    std::vector<float> logits(kSizes.size() * 3);
    std::vector<float> pooled(kSizes.size() * pooled_channels);
    engine.Run(images.views(), logits, pooled);
    for (std::size_t i = 0; i < kSizes.size(); ++i) {
      const ReferenceOutput expected =
          ReferenceForward(*model_, ToDouble(parameters), images.views()[i]);
      for (std::size_t c = 0; c < 3; ++c) {
        EXPECT_NEAR(double{logits[i * 3 + c]}, expected.logits[c], 2e-5);
      }
      for (std::size_t c = 0; c < pooled_channels; ++c) {
        EXPECT_NEAR(double{pooled[i * pooled_channels + c]}, expected.pooled[c],
                    2e-5);
      }
    }
  }
}

// Of 8 bits of mantissa, 256 steps an octave; and not the same: it is used.
TEST(MixedPrecisionTest, GradientIsNearThatOfFloat32) {
  std::vector<ModelSpec> specs = {ConvResidual(20)};
  for (const char* name : {"gap-cnn-s", "gap-cnn-gn", "gap-resnet8"}) {
    specs.push_back(*BuiltInModel(name, {.width = 12}));
  }
  for (const ModelSpec& spec : specs) {
    SCOPED_TRACE(spec.name);
    const auto model = MakeModel(spec);
    const TestImages images(*model, {{16, 16}, {15, 21}, {28, 9}, {16, 16}});
    const GradientResult full = ComputeGradient(*model, images.examples());
    const GradientResult mixed = ComputeGradient(
        *model, images.examples(), {.precision = Precision::kBfloat16});
    EXPECT_NEAR(mixed.metrics.loss() / full.metrics.loss(), 1.0, 0.02);
    double square = 0;
    double difference = 0;
    for (std::size_t i = 0; i < full.gradient.size(); ++i) {
      square += double{full.gradient[i]} * full.gradient[i];
      difference += std::pow(double{mixed.gradient[i]} - full.gradient[i], 2);
    }
    EXPECT_LT(std::sqrt(difference / square), 0.05);
    EXPECT_GT(std::sqrt(difference / square), 1e-4);
  }
}

TEST_P(NetworkTest, GradientAgreesWithFiniteDifferences) {
  const TestImages images(*model_, {{6, 7}, {9, 5}});
  const Parameters parameters = SomeParameters(*model_);
  const auto mean_loss = [&](std::span<const double> at) {
    double sum = 0;
    for (const Example& example : images.examples()) {
      sum += ReferenceLoss(ReferenceForward(*model_, at, example.image).logits,
                           example.label);
    }
    return sum / static_cast<double>(images.examples().size());
  };
  const std::vector<double> expected =
      NumericGradient(mean_loss, ToDouble(parameters));
  const GradientResult actual = ComputeGradient(*model_, images.examples());
  EXPECT_NEAR(actual.metrics.loss(), mean_loss(ToDouble(parameters)), 1e-5);
  double largest = 0;
  for (const double value : expected) {
    largest = std::max(largest, std::fabs(value));
  }
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_NEAR(double{actual.gradient[i]}, expected[i], 3e-5 * (1 + largest))
        << "parameter " << i;
  }
}

TEST_P(NetworkTest, ThreadsDoNotChangeTheBits) {
  const TestImages images(*model_, kSizes);
  for (const int shards : {1, 3, 4, 16}) {
    const GradientResult one =
        ComputeGradient(*model_, images.examples(), {.shards = shards}, 1);
    for (const int threads : {2, 5}) {
      const GradientResult many = ComputeGradient(*model_, images.examples(),
                                                  {.shards = shards}, threads);
      EXPECT_EQ(one.gradient, many.gradient);
      EXPECT_EQ(one.metrics, many.metrics);
    }
  }
}

TEST_P(NetworkTest, InstructionSetsWithFusedMultiplyAddGiveTheSameBits) {
  const TestImages images(*model_, kSizes);
  const GradientResult best = ComputeGradient(*model_, images.examples());
  for (const kernels::Isa isa : kernels::SupportedIsas()) {
    const GradientResult other =
        ComputeGradient(*model_, images.examples(), {.isa = isa});
    if (kernels::HasPortableBits(isa) ==
        kernels::HasPortableBits(kernels::BestIsa())) {
      EXPECT_EQ(best.gradient, other.gradient) << kernels::ToString(isa);
      EXPECT_EQ(best.metrics, other.metrics);
    }
    for (std::size_t i = 0; i < best.gradient.size(); ++i) {
      EXPECT_NEAR(best.gradient[i], other.gradient[i], 2e-4)
          << kernels::ToString(isa);
    }
  }
}

// Four images of four sizes in a batch: the sum over the tree of what each
// gives alone, exactly, as the division by four is exact.
TEST_P(NetworkTest, MixedSizesInOneBatchAreWhatEachIsAlone) {
  const TestImages images(*model_, {{8, 8}, {5, 11}, {12, 6}, {6, 5}});
  const GradientResult batch = ComputeGradient(*model_, images.examples());
  std::vector<GradientResult> alone;
  BatchMetrics total;
  for (const Example& example : images.examples()) {
    alone.push_back(ComputeGradient(*model_, {&example, 1}));
    total += alone.back().metrics;
  }
  EXPECT_EQ(batch.metrics, total);
  for (std::size_t i = 0; i < batch.gradient.size(); ++i) {
    const auto part = [&](std::size_t n) { return alone[n].gradient[i] / 4; };
    EXPECT_FLOAT_EQ(batch.gradient[i],
                    (part(0) + part(1)) + (part(2) + part(3)));
  }
}

TEST_P(NetworkTest, RepeatedBatchesOfOtherSizesLeaveNoTrace) {
  const TestImages images(*model_, kSizes);
  // With several threads, which one meets the largest image is chance, and
  // with it how much scratch there is.
  ThreadPool pool(1);
  GradientEngine engine(*model_, pool, {});
  const Parameters parameters = SomeParameters(*model_);
  Parameters first(parameters.size());
  Parameters second(parameters.size());
  engine.Compute(parameters, {images.examples().data(), 3}, first);
  engine.Compute(parameters, images.examples(), second);
  const std::size_t bytes = engine.scratch_bytes();
  engine.Compute(parameters, {images.examples().data(), 3}, second);
  EXPECT_EQ(first, second);
  EXPECT_EQ(engine.scratch_bytes(), bytes);
}

// Scratch is not cleared between images: not a lane of it may be read before it
// is written.
void ExpectNothingIsLeftOfABrokenImage(const Model& model, int classes) {
  const TestImages images(model, kSizes);
  const Parameters nowhere(
      static_cast<std::size_t>(17 * 17 * model.spec().input_channels),
      std::numeric_limits<float>::quiet_NaN());
  std::vector<Example> broken;
  for (const ImageSize size : {ImageSize{17, 17}, {9, 14}, {13, 6}, {8, 8}}) {
    broken.push_back({{nowhere.data(), size, model.spec().input_channels}, 0});
  }
  const Parameters parameters = SomeParameters(model);
  for (const Precision precision :
       {Precision::kFloat32, Precision::kBfloat16}) {
    SCOPED_TRACE(ToString(precision));
    ThreadPool pool(1);
    GradientEngine engine(model, pool, {.precision = precision});
    Parameters gradient(parameters.size());
    engine.Compute(parameters, broken, gradient);
    EXPECT_TRUE(std::isnan(gradient[0]));
    engine.Compute(parameters, images.examples(), gradient);
    EXPECT_EQ(gradient, ComputeGradient(model, images.examples(),
                                        {.precision = precision})
                            .gradient);
  }
  ThreadPool pool(1);
  InferenceEngine inference(model, pool);
  inference.Load(parameters);
  std::vector<float> before(kSizes.size() * static_cast<std::size_t>(classes));
  std::vector<float> after(before.size());
  inference.Run(images.views(), before, {});
  for (const Example& example : broken) {
    inference.Run({&example.image, 1}, {}, {});
  }
  inference.Run(images.views(), after, {});
  EXPECT_EQ(after, before);
}

TEST_P(NetworkTest, NothingOfABrokenImageIsLeft) {
  ExpectNothingIsLeftOfABrokenImage(*model_, 3);
}

// With enough channels for pairs, and blocks that they do not fill.
TEST(BuiltInNetworkTest, NothingOfABrokenImageIsLeft) {
  for (const std::string& name : BuiltInModelNames()) {
    SCOPED_TRACE(name);
    ExpectNothingIsLeftOfABrokenImage(
        *MakeModel(*BuiltInModel(name, {.classes = 3, .width = 12})), 3);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, NetworkTest,
                         ::testing::ValuesIn(TestNetworks()),
                         [](const auto& network) {
                           return network.param.first;
                         });

TEST(BuiltInNetworkTest, GradientsPointDownhillAtEverySize) {
  for (const std::string& name : BuiltInModelNames()) {
    SCOPED_TRACE(name);
    auto spec = BuiltInModel(name, {.classes = 3});
    ASSERT_TRUE(spec.ok());
    const auto model = MakeModel(*spec);
    const TestImages images(*model, {{14, 14}, {28, 28}, {23, 37}});
    ThreadPool pool(1);
    GradientEngine engine(*model, pool, {});
    Parameters parameters = model->InitialParameters(1);
    Parameters gradient(parameters.size());
    const BatchMetrics before =
        engine.Compute(parameters, images.examples(), gradient);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      parameters[i] -= 0.01f * gradient[i];
    }
    const BatchMetrics after =
        engine.Compute(parameters, images.examples(), gradient);
    EXPECT_LT(after.loss_fixed, before.loss_fixed);
  }
}

TEST(InferenceEngineTest, WritesOnlyWhatIsAskedFor) {
  const auto model = MakeModel(TestNetworks()[0].second);
  const TestImages images(*model, {{8, 8}, {6, 9}});
  ThreadPool pool(1);
  InferenceEngine engine(*model, pool);
  engine.Load(SomeParameters(*model));
  std::vector<float> logits(6);
  std::vector<float> only_logits(6);
  std::vector<float> pooled(10);
  std::vector<float> only_pooled(10);
  engine.Run(images.views(), logits, pooled);
  engine.Run(images.views(), only_logits, {});
  engine.Run(images.views(), {}, only_pooled);
  EXPECT_EQ(logits, only_logits);
  EXPECT_EQ(pooled, only_pooled);
}

TEST(ScoreLogitsTest, CountsTheFirstOfTiesAndFixesTheLoss) {
  const std::vector<float> logits = {1.0f, 3.0f, 3.0f};
  const BatchMetrics right = ScoreLogits(logits, 1);
  EXPECT_EQ(right.count, 1);
  EXPECT_EQ(right.correct, 1);
  EXPECT_NEAR(right.loss(), std::log(2 + std::exp(-2.0)), 1e-6);
  EXPECT_EQ(ScoreLogits(logits, 2).correct, 0);
  EXPECT_NEAR(ScoreLogits(logits, 0).loss(), std::log(2 + std::exp(-2.0)) + 2,
              1e-6);
}

TEST(ScoreLogitsTest, HandlesManyClassesAndExtremeLogits) {
  std::vector<float> logits(1000, 0.0f);
  EXPECT_NEAR(ScoreLogits(logits, 999).loss(), std::log(1000.0), 1e-5);
  logits[7] = 1e30f;
  EXPECT_EQ(ScoreLogits(logits, 7).loss(), 0.0);
  EXPECT_EQ(ScoreLogits(logits, 8).loss(), BatchMetrics::kMaxLoss);
  logits[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(ScoreLogits(logits, 8).loss(), BatchMetrics::kMaxLoss);
}

}  // namespace
}  // namespace fedgap
