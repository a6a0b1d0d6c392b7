// Trains a small CNN to tell horizontal from vertical stripes, on images that
// never have the same size: no padding, no resizing, no bucketing. Ends with 0
// if it has learnt it.
#include <cstdio>
#include <vector>

#include "common/base/counter_rng.h"
#include "common/nn/engine.h"
#include "common/nn/sgd.h"

using fedgap::ImageSize;

// Stripes four pixels apart, half hidden by noise: [height, width, 1].
std::vector<float> DrawStripes(ImageSize size, int label,
                               fedgap::CounterRng& rng) {
  std::vector<float> pixels;
  for (int i = 0; i < size.pixels(); ++i) {
    const int along = label == 0 ? i / size.width : i % size.width;
    const double stripe = along % 4 < 2 ? 0.5 : -0.5;
    pixels.push_back(static_cast<float>(stripe + rng.Normal()));
  }
  return pixels;
}

int main() {
  const auto spec = fedgap::BuiltInModel("gap-cnn-gn", {.classes = 2});
  const auto model = fedgap::Model::Create(*spec).value();
  fedgap::ThreadPool pool(2);
  fedgap::GradientEngine engine(*model, pool, {});
  fedgap::Parameters parameters = model->InitialParameters(/*seed=*/1);
  fedgap::Parameters gradient(parameters.size());
  fedgap::Sgd sgd(parameters.size(), {.momentum = 0.9f});
  fedgap::CounterRng rng(/*seed=*/1, fedgap::RngPurpose::kSynthetic);

  fedgap::BatchMetrics last_steps;
  for (int step = 1; step <= 60; ++step) {
    std::vector<std::vector<float>> pixels;
    std::vector<fedgap::Example> batch;
    for (int i = 0; i < 16; ++i) {
      const ImageSize size{12 + static_cast<int>(rng.Below(40)),
                           12 + static_cast<int>(rng.Below(40))};
      const int label = static_cast<int>(rng.Below(2));
      pixels.push_back(DrawStripes(size, label, rng));
      batch.push_back({{pixels.back().data(), size, 1}, label});
    }
    const auto metrics = engine.Compute(parameters, batch, gradient);
    sgd.Step(/*learning_rate=*/0.02f, gradient, parameters);
    if (step > 50) last_steps += metrics;
    if (step % 10 == 0) {
      std::printf("step %d: loss %.3f, accuracy %.2f\n", step, metrics.loss(),
                  metrics.accuracy());
    }
  }
  return last_steps.accuracy() > 0.9 ? 0 : 1;
}
