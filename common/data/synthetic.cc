#include "common/data/synthetic.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/counter_rng.h"

namespace fedgap {
namespace {

enum Shape { kHorizontal, kVertical, kChecker, kDisc, kShapes };

struct Drawing {
  Shape shape = kHorizontal;
  ImageSize size;
  int half_period = 2;
  int phase_y = 0;
  int phase_x = 0;
  int centre_y = 0;
  int centre_x = 0;
  int radius = 1;
};

int Between(CounterRng& rng, int low, int high) {
  const int count = high - low + 1;
  return low + static_cast<int>(rng.Below(static_cast<std::uint64_t>(count)));
}

Drawing Draw(Shape shape, CounterRng& rng) {
  constexpr int kMinSide = 12;
  constexpr int kMaxSide = 40;
  Drawing drawing;
  drawing.shape = shape;
  drawing.size = {Between(rng, kMinSide, kMaxSide),
                  Between(rng, kMinSide, kMaxSide)};
  drawing.half_period = Between(rng, 2, 4);
  drawing.phase_y = Between(rng, 0, 7);
  drawing.phase_x = Between(rng, 0, 7);
  drawing.centre_y =
      Between(rng, drawing.size.height / 3, 2 * drawing.size.height / 3);
  drawing.centre_x =
      Between(rng, drawing.size.width / 3, 2 * drawing.size.width / 3);
  drawing.radius =
      std::max(3, std::min(drawing.size.height, drawing.size.width) / 3);
  return drawing;
}

bool IsInk(const Drawing& drawing, int y, int x) {
  const bool row = (y + drawing.phase_y) / drawing.half_period % 2 == 0;
  const bool column = (x + drawing.phase_x) / drawing.half_period % 2 == 0;
  const int dy = y - drawing.centre_y;
  const int dx = x - drawing.centre_x;
  switch (drawing.shape) {
    case kHorizontal:
      return row;
    case kVertical:
      return column;
    case kChecker:
      return row != column;
    default:
      return dy * dy + dx * dx <= drawing.radius * drawing.radius;
  }
}

std::vector<std::uint8_t> Render(const Drawing& drawing, int channels,
                                 CounterRng& rng) {
  std::vector<int> ink, paper;
  for (int c = 0; c < channels; ++c) {
    ink.push_back(Between(rng, 150, 220));
    paper.push_back(Between(rng, 30, 100));
  }
  std::vector<std::uint8_t> pixels;
  for (int y = 0; y < drawing.size.height; ++y) {
    for (int x = 0; x < drawing.size.width; ++x) {
      const std::vector<int>& colour = IsInk(drawing, y, x) ? ink : paper;
      for (const int value : colour) {
        pixels.push_back(
            static_cast<std::uint8_t>(value + Between(rng, -30, 30)));
      }
    }
  }
  return pixels;
}

void AddPart(const SyntheticOptions& options, std::string_view part,
             std::int64_t samples, ImageDataset::Builder& builder) {
  for (std::int64_t i = 0; i < samples; ++i) {
    CounterRng rng(options.seed, RngPurpose::kSynthetic, part,
                   static_cast<std::uint64_t>(i));
    const auto shape = static_cast<Shape>(i % kShapes);
    const Drawing drawing = Draw(shape, rng);
    const std::vector<std::uint8_t> pixels =
        Render(drawing, options.channels, rng);
    const Status added = builder.Add(pixels, drawing.size, shape);
    FEDGAP_CHECK(added.ok());
  }
}

}  // namespace

ImageDataset MakeSynthetic(const SyntheticOptions& options) {
  ImageDataset::Builder builder(
      options.channels,
      {"horizontal stripes", "vertical stripes", "checkerboard", "disc"});
  if (options.split != DataSplit::kTest) {
    AddPart(options, "train", options.samples, builder);
  }
  if (options.split != DataSplit::kTrain) {
    AddPart(options, "test",
            std::max<std::int64_t>(kShapes, options.samples / 4), builder);
  }
  return std::move(builder).Build();
}

}  // namespace fedgap
