#include "common/nn/kernels/conv2d.h"

#include <algorithm>

#include "common/base/check.h"

namespace fedgap::kernels {
namespace {

constexpr auto kBlock = static_cast<std::size_t>(kChannelBlock);

int CeilDivide(int a, int b) { return (a + b - 1) / b; }
// Rounds towards minus infinity; b > 0.
int FloorDivide(int a, int b) { return a >= 0 ? a / b : -((-a + b - 1) / b); }

// One axis of a convolution.
struct Axis {
  int kernel;
  int stride;
  int padding;
  int dilation;

  Axis(const ConvShape& shape, std::size_t axis)
      : kernel(shape.kernel[axis]),
        stride(shape.stride[axis]),
        padding(shape.padding[axis]),
        dilation(shape.dilation[axis]) {}

  int reach() const { return (kernel - 1) * dilation; }
  int outputs(int in) const {
    const int room = in + 2 * padding - reach() - 1;
    return room < 0 ? 0 : room / stride + 1;
  }
  // Pixels read before the first and after the last input.
  std::array<int, 2> InputBorder(int in) const {
    const int last = (outputs(in) - 1) * stride - padding + reach();
    return {padding, std::max(0, last - (in - 1))};
  }
  // Input pixel i gets products of outputs (i + padding - tap dilation) /
  // stride, for the taps where that is whole.
  std::array<int, 2> GradientBorder(int in) const {
    const int first = FloorDivide(padding - reach(), stride);
    const int last = FloorDivide(in - 1 + padding, stride);
    return {std::max(0, -first), std::max(0, last - (outputs(in) - 1))};
  }
  // Whether a tap reaches the input pixels `phase` + n stride.
  bool Reaches(int tap, int phase) const {
    return (phase + padding - tap * dilation) % stride == 0;
  }
  int OutputOf(int tap, int phase) const {
    return (phase + padding - tap * dilation) / stride;
  }
};

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

Border Border::operator|(const Border& other) const {
  return {std::max(top, other.top), std::max(left, other.left),
          std::max(bottom, other.bottom), std::max(right, other.right)};
}

Conv2d::Conv2d(const ConvShape& shape)
    : shape_(shape),
      depthwise_(shape.groups > 1 && shape.groups == shape.in_channels &&
                 shape.groups == shape.out_channels) {
  FEDGAP_CHECK(shape.groups >= 1 && shape.in_channels % shape.groups == 0 &&
               shape.out_channels % shape.groups == 0);
  forward_ = MakeLayout(shape.in_channels, shape.out_channels);
  backward_ = MakeLayout(shape.out_channels, shape.in_channels);
}

Conv2d::PanelLayout Conv2d::MakeLayout(int in_channels,
                                       int out_channels) const {
  const int in_per_group = in_channels / shape_.groups;
  const int out_per_group = out_channels / shape_.groups;
  PanelLayout layout;
  layout.uniform = depthwise_ || shape_.groups == 1;
  for (int out = 0; out < out_channels; out += kChannelBlock) {
    const int last = std::min(out + kChannelBlock, out_channels) - 1;
    Panel panel;
    panel.in_begin = depthwise_ ? 0 : out / out_per_group * in_per_group;
    const int in_end = (last / out_per_group + 1) * in_per_group;
    panel.in_count = depthwise_ ? 1 : in_end - panel.in_begin;
    panel.offset = layout.elements;
    layout.elements += static_cast<std::size_t>(taps()) *
                       static_cast<std::size_t>(panel.in_count) * kBlock;
    layout.panels.push_back(panel);
  }
  layout.stride =
      static_cast<std::ptrdiff_t>(layout.elements / layout.panels.size());
  return layout;
}

ImageSize Conv2d::OutputSize(ImageSize in) const {
  return {Axis(shape_, 0).outputs(in.height),
          Axis(shape_, 1).outputs(in.width)};
}

Border Conv2d::InputBorder(ImageSize in) const {
  const auto y = Axis(shape_, 0).InputBorder(in.height);
  const auto x = Axis(shape_, 1).InputBorder(in.width);
  return {y[0], x[0], y[1], x[1]};
}

Border Conv2d::GradientBorder(ImageSize in) const {
  const auto y = Axis(shape_, 0).GradientBorder(in.height);
  const auto x = Axis(shape_, 1).GradientBorder(in.width);
  return {y[0], x[0], y[1], x[1]};
}

void Conv2d::PackForward(const float* weight, float* packed) const {
  const WeightIndex index = IndexOf(shape_);
  for (std::size_t p = 0; p < forward_.panels.size(); ++p) {
    const Panel& panel = forward_.panels[p];
    const int first = static_cast<int>(p) * kChannelBlock;
    const int lanes = std::min(kChannelBlock, shape_.out_channels - first);
    float* to = packed + panel.offset;
    for (int tap = 0; tap < taps(); ++tap) {
      for (int i = 0; i < panel.in_count; ++i, to += kBlock) {
        const int in = panel.in_begin + i;
        const float* from = weight + index(tap, in, first);
        if (forward_.uniform) {
          std::fill(CopyLanes(from, lanes, to), to + kBlock, 0.0f);
          continue;
        }
        std::fill_n(to, kBlock, 0.0f);
        for (int lane = 0; lane < lanes; ++lane) {
          if (index.Connected(in, first + lane)) to[lane] = from[lane];
        }
      }
    }
  }
}

void Conv2d::UnpackGradient(const float* packed, float* weight_gradient) const {
  const WeightIndex index = IndexOf(shape_);
  for (std::size_t p = 0; p < forward_.panels.size(); ++p) {
    const Panel& panel = forward_.panels[p];
    const int first = static_cast<int>(p) * kChannelBlock;
    const int lanes = std::min(kChannelBlock, shape_.out_channels - first);
    const float* from = packed + panel.offset;
    for (int tap = 0; tap < taps(); ++tap) {
      for (int i = 0; i < panel.in_count; ++i, from += kBlock) {
        const int in = panel.in_begin + i;
        float* to = weight_gradient + index(tap, in, first);
        if (forward_.uniform) {
          CopyLanes(from, lanes, to);
          continue;
        }
        for (int lane = 0; lane < lanes; ++lane) {
          if (index.Connected(in, first + lane)) to[lane] = from[lane];
        }
      }
    }
  }
}

void Conv2d::PackBackward(const float* weight, float* packed) const {
  const WeightIndex index = IndexOf(shape_);
  std::fill_n(packed, backward_.elements, 0.0f);
  for (std::size_t p = 0; p < backward_.panels.size(); ++p) {
    const Panel& panel = backward_.panels[p];
    const int first = static_cast<int>(p) * kChannelBlock;
    const int lanes = std::min(kChannelBlock, shape_.in_channels - first);
    float* to = packed + panel.offset;
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

void Conv2d::AppendRuns(const std::vector<Tap>& taps, const Panel& panel,
                        bool depthwise, std::vector<ConvRun>* runs) {
  runs->clear();
  for (const Tap& tap : taps) {
    const ConvRun next{
        tap.in + panel.in_begin,
        std::ptrdiff_t{tap.index} * panel.in_count * kChannelBlock,
        panel.in_count};
    // Neighbouring taps of an image without channel padding are one run.
    if (!runs->empty() && !depthwise) {
      ConvRun& last = runs->back();
      if (next.in == last.in + last.length &&
          next.weights == last.weights + last.length * kChannelBlock) {
        last.length += next.length;
        continue;
      }
    }
    runs->push_back(next);
  }
}

void Conv2d::PrepareForward(const FeatureMap& in,
                            ConvGeometry* geometry) const {
  std::vector<Tap> list;
  geometry->taps.clear();
  for (int ky = 0; ky < shape_.kernel[0]; ++ky) {
    for (int kx = 0; kx < shape_.kernel[1]; ++kx) {
      const int y = ky * shape_.dilation[0] - shape_.padding[0];
      const int x = kx * shape_.dilation[1] - shape_.padding[1];
      const std::ptrdiff_t offset = y * in.row_stride + x * in.pixel_stride;
      list.push_back({ky * shape_.kernel[1] + kx, offset});
      geometry->taps.push_back(offset);
    }
  }
  geometry->forward.resize(forward_.tasks());
  for (std::size_t p = 0; p < forward_.tasks(); ++p) {
    AppendRuns(list, forward_.panels[p], depthwise_, &geometry->forward[p]);
  }
}

void Conv2d::PrepareInputGradient(const FeatureMap& in_gradient,
                                  const FeatureMap& out_gradient,
                                  ConvGeometry* geometry) const {
  const Axis vertical(shape_, 0);
  const Axis horizontal(shape_, 1);
  const int rows = std::min(vertical.stride, in_gradient.height);
  const int columns = std::min(horizontal.stride, in_gradient.width);
  const int phases = rows * columns;
  geometry->phases.resize(static_cast<std::size_t>(phases));
  std::vector<Tap> list;
  for (int n = 0; n < phases; ++n) {
    ConvGeometry::Phase& phase = geometry->phases[static_cast<std::size_t>(n)];
    phase.y = n / columns;
    phase.x = n % columns;
    list.clear();
    // Flipped, as the backward weights are.
    for (int ky = shape_.kernel[0] - 1; ky >= 0; --ky) {
      for (int kx = shape_.kernel[1] - 1; kx >= 0; --kx) {
        if (!vertical.Reaches(ky, phase.y) || !horizontal.Reaches(kx, phase.x))
          continue;
        list.push_back(
            {taps() - 1 - (ky * shape_.kernel[1] + kx),
             vertical.OutputOf(ky, phase.y) * out_gradient.row_stride +
                 horizontal.OutputOf(kx, phase.x) * out_gradient.pixel_stride});
      }
    }
    phase.runs.resize(backward_.tasks());
    for (std::size_t p = 0; p < backward_.tasks(); ++p) {
      AppendRuns(list, backward_.panels[p], depthwise_, &phase.runs[p]);
    }
  }
}

void Conv2d::RunTasks(const Kernels& kernels, const PanelLayout& layout,
                      const std::vector<std::vector<ConvRun>>& runs,
                      ConvTask task) const {
  const auto conv = depthwise_ ? kernels.conv_depthwise : kernels.conv;
  const ConvTask all = task;
  for (std::size_t p = 0; p < layout.tasks(); ++p) {
    const std::size_t channel = p * kBlock;
    task.runs = runs[p].data();
    task.run_count = static_cast<int>(runs[p].size());
    task.blocks = layout.uniform ? static_cast<int>(layout.panels.size()) : 1;
    task.weights = all.weights + layout.panels[p].offset;
    task.weights_block = layout.stride;
    task.out = all.out + channel;
    task.bias = all.bias == nullptr ? nullptr : all.bias + channel;
    task.mask = all.mask == nullptr ? nullptr : all.mask + channel;
    conv(task);
  }
}

void Conv2d::Forward(const Kernels& kernels, const ConvGeometry& geometry,
                     const ForwardArgs& args) const {
  ConvTask task;
  task.height = args.out.height;
  task.width = args.out.width;
  task.in = args.in.data;
  task.in_row = shape_.stride[0] * args.in.row_stride;
  task.in_pixel = shape_.stride[1] * args.in.pixel_stride;
  task.out = args.out.data;
  task.out_row = args.out.row_stride;
  task.out_pixel = args.out.pixel_stride;
  task.weights = args.weights;
  task.bias = args.bias;
  task.relu = args.relu;
  RunTasks(kernels, forward_, geometry.forward, task);
}

void Conv2d::InputGradient(const Kernels& kernels, const ConvGeometry& geometry,
                           const InputGradientArgs& args) const {
  const FeatureMap& in = args.in_gradient;
  ConvTask task;
  task.in = args.out_gradient.data;
  task.in_row = args.out_gradient.row_stride;
  task.in_pixel = args.out_gradient.pixel_stride;
  task.out_row = shape_.stride[0] * in.row_stride;
  task.out_pixel = shape_.stride[1] * in.pixel_stride;
  task.weights = args.weights;
  task.accumulate = args.accumulate;
  for (const ConvGeometry::Phase& phase : geometry.phases) {
    const std::ptrdiff_t first =
        phase.y * in.row_stride + phase.x * in.pixel_stride;
    task.height = CeilDivide(in.height - phase.y, shape_.stride[0]);
    task.width = CeilDivide(in.width - phase.x, shape_.stride[1]);
    task.out = in.data + first;
    task.mask = args.mask == nullptr ? nullptr : args.mask + first;
    RunTasks(kernels, backward_, phase.runs, task);
  }
}

void Conv2d::WeightGradient(const Kernels& kernels,
                            const ConvGeometry& geometry,
                            const WeightGradientArgs& args) const {
  ConvWeightTask task;
  task.height = args.out_gradient.height;
  task.width = args.out_gradient.width;
  task.in_row = shape_.stride[0] * args.in.row_stride;
  task.in_pixel = shape_.stride[1] * args.in.pixel_stride;
  task.out_row = args.out_gradient.row_stride;
  task.out_pixel = args.out_gradient.pixel_stride;
  task.taps = geometry.taps.data();
  task.tap_count = taps();
  task.gradient_block = forward_.stride;
  const auto run = depthwise_ ? kernels.conv_depthwise_weight_gradient
                              : kernels.conv_weight_gradient;
  for (std::size_t p = 0; p < forward_.tasks(); ++p) {
    const Panel& panel = forward_.panels[p];
    task.in = args.in.data + panel.in_begin;
    task.out_gradient = args.out_gradient.data + p * kBlock;
    task.in_count = panel.in_count;
    task.blocks =
        forward_.uniform ? static_cast<int>(forward_.panels.size()) : 1;
    task.gradient = args.weight_gradient + panel.offset;
    run(task);
  }
}

}  // namespace fedgap::kernels
