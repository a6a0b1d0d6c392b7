#include "common/nn/kernels/conv_axis.h"

#include <utility>

namespace fedgap::kernels {
namespace {

// Rounds towards minus infinity; b > 0.
int FloorDivide(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

}  // namespace

std::array<int, 2> ConvAxis::GradientBorder(int in) const {
  const int first = FloorDivide(padding_ - reach(), stride_);
  const int last = FloorDivide(in - 1 + padding_, stride_);
  return {std::max(0, -first), std::max(0, last - (outputs(in) - 1))};
}

std::vector<int> ConvAxis::TapsOf(int input, int in, bool clipped) const {
  std::vector<int> taps;
  for (int tap = kernel_ - 1; tap >= 0; --tap) {
    if (!Reaches(tap, input)) continue;
    const int output = OutputOf(tap, input);
    if (clipped && (output < 0 || output >= outputs(in))) continue;
    taps.push_back(tap);
  }
  return taps;
}

std::vector<ConvAxis::Segment> ConvAxis::GradientSegments(int in,
                                                          bool clipped) const {
  std::vector<Segment> segments;
  for (int phase = 0; phase < std::min(stride_, in); ++phase) {
    if (!clipped) {
      const int count = (in - phase + stride_ - 1) / stride_;
      segments.push_back({phase, count, TapsOf(phase, in, false)});
      continue;
    }
    bool begins = true;
    for (int input = phase; input < in; input += stride_) {
      std::vector<int> taps = TapsOf(input, in, true);
      if (begins || taps != segments.back().taps) {
        segments.push_back({input, 0, std::move(taps)});
      }
      ++segments.back().count;
      begins = false;
    }
  }
  return segments;
}

}  // namespace fedgap::kernels
