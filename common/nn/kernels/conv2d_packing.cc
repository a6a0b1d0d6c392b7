// How Conv2d lays weights out for the kernels.
#include <algorithm>
#include <cstddef>

#include "common/nn/kernels/conv2d.h"

namespace fedgap::kernels {
namespace {

constexpr auto kBlock = static_cast<std::size_t>(kChannelBlock);

// The other way round, for gradients: what the weights of one direction are in
// the model's buffer.
struct WeightIndex {
  int in_per_group;
  int out_per_group;
  int out_channels;

  bool Connected(int in, int out) const {
    return in / in_per_group == out / out_per_group;
  }
  std::size_t operator()(int tap, int in, int out) const {
    return (static_cast<std::size_t>(tap) *
                static_cast<std::size_t>(in_per_group) +
            static_cast<std::size_t>(in % in_per_group)) *
               static_cast<std::size_t>(out_channels) +
           static_cast<std::size_t>(out);
  }
};

// Returns the end of what it wrote. A count that the compiler knows is a few
// moves instead of a call.
float* CopyLanes(const float* from, int lanes, float* to) {
  return lanes == kChannelBlock ? std::copy_n(from, kBlock, to)
                                : std::copy_n(from, lanes, to);
}

WeightIndex IndexOf(const ConvShape& shape) {
  return {shape.in_channels / shape.groups, shape.out_channels / shape.groups,
          shape.out_channels};
}

}  // namespace

// In the order of the model's weights, whose rows of outputs are spread over
// the panels: large ones are read or written once from end to end, and the
// panels are as many streams.
template <typename Visit>
void Conv2d::ForEachForwardRow(const Visit& visit) const {
  int widest = 0;
  for (const Panel& panel : forward_.panels) {
    widest = std::max(widest, panel.in_count);
  }
  for (int tap = 0; tap < taps(); ++tap) {
    for (int i = 0; i < widest; ++i) {
      for (std::size_t p = 0; p < forward_.panels.size(); ++p) {
        const Panel& panel = forward_.panels[p];
        if (i >= panel.in_count) continue;
        const int row = tap * panel.in_count + i;
        visit(PackedRow{
            .tap = tap,
            .in = panel.in_begin + i,
            .first_out = static_cast<int>(p) * kChannelBlock,
            .packed = panel.offset + static_cast<std::size_t>(row) * kBlock});
      }
    }
  }
}

void Conv2d::PackForward(const float* weight, float* packed) const {
  const WeightIndex index = IndexOf(shape_);
  ForEachForwardRow([&](const PackedRow& row) {
    const int lanes =
        std::min(kChannelBlock, shape_.out_channels - row.first_out);
    const float* from = weight + index(row.tap, row.in, row.first_out);
    float* to = packed + row.packed;
    if (forward_.uniform) {
      std::fill(CopyLanes(from, lanes, to), to + kBlock, 0.0f);
      return;
    }
    std::fill_n(to, kBlock, 0.0f);
    for (int lane = 0; lane < lanes; ++lane) {
      if (index.Connected(row.in, row.first_out + lane)) to[lane] = from[lane];
    }
  });
}

void Conv2d::UnpackGradient(const float* packed, float* weight_gradient) const {
  const WeightIndex index = IndexOf(shape_);
  ForEachForwardRow([&](const PackedRow& row) {
    const int lanes =
        std::min(kChannelBlock, shape_.out_channels - row.first_out);
    const float* from = packed + row.packed;
    float* to = weight_gradient + index(row.tap, row.in, row.first_out);
    if (forward_.uniform) {
      CopyLanes(from, lanes, to);
      return;
    }
    for (int lane = 0; lane < lanes; ++lane) {
      if (index.Connected(row.in, row.first_out + lane)) to[lane] = from[lane];
    }
  });
}

void Conv2d::PackBackward(const float* weight, float* packed) const {
  const WeightIndex index = IndexOf(shape_);
  for (std::size_t p = 0; p < backward_.panels.size(); ++p) {
    const Panel& panel = backward_.panels[p];
    const int first = static_cast<int>(p) * kChannelBlock;
    const int lanes = std::min(kChannelBlock, shape_.in_channels - first);
    float* to = packed + panel.offset;
    if (lanes < kChannelBlock || !backward_.uniform) {
      std::fill_n(
          to, static_cast<std::size_t>(taps() * panel.in_count) * kBlock, 0.0f);
    }
    for (int tap = taps() - 1; tap >= 0; --tap) {
      for (int lane = 0; lane < lanes; ++lane) {
        const int in = first + lane;
        if (depthwise_) {
          to[lane] = weight[index(tap, in, in)];
          continue;
        }
        const float* from = weight + index(tap, in, panel.in_begin);
        for (int o = 0; o < panel.in_count; ++o) {
          if (backward_.uniform || index.Connected(in, panel.in_begin + o)) {
            to[o * kChannelBlock + lane] = from[o];
          }
        }
      }
      to += static_cast<std::size_t>(panel.in_count) * kBlock;
    }
  }
}

}  // namespace fedgap::kernels
