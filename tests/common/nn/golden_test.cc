// The engine against PyTorch: tests/golden/make_nn_golden.py says how the files
// were made.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "common/nn/engine.h"
#include "common/nn/sgd.h"
#include "tests/common/nn/golden_file.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

// Relative to the largest expected value. PyTorch's own float32 is off by up
// to 1e-6 on these files; no decision of a ReLU or max-pool is near rounding.
constexpr double kTolerance = 4e-6;

std::filesystem::path GoldenPath(const std::string& name) {
  return SourceDir() / "tests/golden/nn" / (name + ".safetensors");
}

double RelativeError(std::span<const float> actual,
                     std::span<const float> expected) {
  EXPECT_EQ(actual.size(), expected.size());
  double largest = 0.0, error = 0.0;
  for (std::size_t i = 0; i < std::min(actual.size(), expected.size()); ++i) {
    largest = std::max(largest, std::abs(double{expected[i]}));
    // Negated, so that a NaN counts as an error.
    const double difference = std::abs(double{actual[i]} - expected[i]);
    if (!(difference <= error)) error = difference;
  }
  return error / largest;
}

// The examples of a golden batch [count, height, width, channels].
std::vector<Example> Examples(const GoldenFile& file,
                              const std::string& prefix) {
  const std::vector<std::int64_t>& shape = file.shape(prefix + "images");
  const ImageSize size{static_cast<int>(shape[1]), static_cast<int>(shape[2])};
  const int channels = static_cast<int>(shape[3]);
  const float* pixels = file.tensor(prefix + "images").data();
  std::vector<Example> examples;
  for (const float label : file.tensor(prefix + "labels")) {
    examples.push_back({{pixels, size, channels}, static_cast<int>(label)});
    pixels += size.pixels() * channels;
  }
  return examples;
}

Sgd::Options SgdOptions(const GoldenFile& file) {
  return {.momentum = static_cast<float>(file.number("momentum")),
          .weight_decay = static_cast<float>(file.number("weight_decay"))};
}

class GoldenModelTest : public ::testing::TestWithParam<const char*> {
 protected:
  GoldenModelTest()
      : file_(GoldenPath(GetParam())),
        model_(
            Model::Create(ParseModelSpec(file_.text("spec")).value()).value()),
        parameters_(file_.tensor("parameters").begin(),
                    file_.tensor("parameters").end()) {}

  const std::vector<std::string> sizes_ = {"14x14.", "28x28.", "23x37."};
  GoldenFile file_;
  std::unique_ptr<const Model> model_;
  Parameters parameters_;
  ThreadPool pool_{1};
};

TEST_P(GoldenModelTest, IsTheBuiltInModelOfThatName) {
  ModelSpec spec = model_->spec();
  EXPECT_EQ(model_->layout().elements(),
            static_cast<std::int64_t>(parameters_.size()));
  if (spec.name == "odd-ops") return;
  ASSERT_OK_AND_ASSIGN(
      const ModelSpec built_in,
      BuiltInModel(spec.name,
                   {.input_channels = spec.input_channels, .width = 8}));
  EXPECT_EQ(spec, built_in);
}

TEST_P(GoldenModelTest, ForwardMatches) {
  InferenceEngine engine(*model_, pool_);
  engine.Load(parameters_);
  for (const std::string& size : sizes_) {
    std::vector<ImageView> images;
    for (const Example& example : Examples(file_, size)) {
      images.push_back(example.image);
    }
    std::vector<float> logits(images.size() *
                              static_cast<std::size_t>(model_->classes()));
    std::vector<float> pooled(
        images.size() * static_cast<std::size_t>(model_->pooled_channels()));
    engine.Run(images, logits, pooled);
    EXPECT_LT(RelativeError(logits, file_.tensor(size + "logits")), kTolerance)
        << size;
    EXPECT_LT(RelativeError(pooled, file_.tensor(size + "pooled")), kTolerance)
        << size;
  }
}

TEST_P(GoldenModelTest, LossAndGradientMatch) {
  GradientEngine engine(*model_, pool_, {});
  Parameters gradient(parameters_.size());
  for (const std::string& size : sizes_) {
    const BatchMetrics metrics =
        engine.Compute(parameters_, Examples(file_, size), gradient);
    EXPECT_NEAR(metrics.loss(), file_.tensor(size + "loss")[0], 4e-6) << size;
    EXPECT_LT(RelativeError(gradient, file_.tensor(size + "gradient")),
              kTolerance)
        << size;
  }
}

TEST_P(GoldenModelTest, TenStepsOverBatchesOfThreeSizesMatch) {
  GradientEngine engine(*model_, pool_, {});
  Sgd sgd(parameters_.size(), SgdOptions(file_));
  Parameters gradient(parameters_.size());
  const std::vector<float>& losses = file_.tensor("steps.losses");
  for (std::size_t step = 0; step < losses.size(); ++step) {
    std::vector<Example> batch;  // two images of each size
    for (const std::string& size : sizes_) {
      const std::vector<Example> examples = Examples(file_, size);
      const std::size_t first = 2 * step % examples.size();
      batch.insert(batch.end(), {examples[first], examples[first + 1]});
    }
    const BatchMetrics metrics = engine.Compute(parameters_, batch, gradient);
    EXPECT_NEAR(metrics.loss(), losses[step], 4e-6) << step;
    sgd.Step(static_cast<float>(file_.number("learning_rate")), gradient,
             parameters_);
  }
  EXPECT_LT(RelativeError(parameters_, file_.tensor("steps.parameters")),
            kTolerance);
}

INSTANTIATE_TEST_SUITE_P(
    All, GoldenModelTest,
    ::testing::Values("gap-cnn-s", "gap-cnn-gn", "gap-cnn-m", "gap-resnet8",
                      "odd-ops"),
    [](const ::testing::TestParamInfo<const char*>& parameter) {
      std::string name = parameter.param;
      std::ranges::replace(name, '-', '_');
      return name;
    });

// 60 steps on 256 images of Fashion-MNIST at 14x14. PyTorch's float32 stays
// within 1e-6 of its float64; the losses fall from 2.39 to 0.85.
TEST(GoldenCurveTest, SixtyStepsOnRealImagesMatch) {
  const GoldenFile file(GoldenPath("curve"));
  const auto model =
      Model::Create(ParseModelSpec(file.text("spec")).value()).value();
  std::vector<float> pixels;
  for (const float value : file.tensor("images")) {
    pixels.push_back(static_cast<float>((value / 255.0 - 0.5) / 0.5));
  }
  const std::vector<float>& labels = file.tensor("labels");
  const auto& start = file.tensor("parameters");
  Parameters parameters(start.begin(), start.end());
  Parameters gradient(parameters.size());
  ThreadPool pool(1);
  GradientEngine engine(*model, pool, {});
  Sgd sgd(parameters.size(), SgdOptions(file));
  const auto batch_size = static_cast<std::size_t>(file.number("batch_size"));
  const auto rate = static_cast<float>(file.number("learning_rate"));
  constexpr std::size_t kPixels = 14 * 14;
  const std::vector<float>& losses = file.tensor("losses");
  for (std::size_t step = 0; step < losses.size(); ++step) {
    std::vector<Example> batch;
    for (std::size_t i = 0; i < batch_size; ++i) {
      const std::size_t at = (batch_size * step + i) % labels.size();
      batch.push_back({{pixels.data() + at * kPixels, {14, 14}, 1},
                       static_cast<int>(labels[at])});
    }
    const BatchMetrics metrics = engine.Compute(parameters, batch, gradient);
    EXPECT_NEAR(metrics.loss(), losses[step], 1e-5) << step;
    sgd.Step(rate, gradient, parameters);
  }
}

}  // namespace
}  // namespace fedgap
