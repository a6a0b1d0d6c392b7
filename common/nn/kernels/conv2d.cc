#include "common/nn/kernels/conv2d.h"

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/nn/kernels/conv_axis.h"

namespace fedgap::kernels {
namespace {

constexpr auto kBlock = static_cast<std::size_t>(kChannelBlock);

// An input gradient is clipped where that leaves at most this share of its
// products: the smaller pieces hide less latency.
constexpr double kClippedShare = 0.25;

ConvAxis AxisOf(const ConvShape& shape, std::size_t axis) {
  return {shape.kernel[axis], shape.stride[axis], shape.padding[axis],
          shape.dilation[axis]};
}

double Products(const std::vector<ConvAxis::Segment>& segments) {
  double products = 0;
  for (const ConvAxis::Segment& segment : segments) {
    products += static_cast<double>(segment.count) *
                static_cast<double>(segment.taps.size());
  }
  return products;
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
  return {AxisOf(shape_, 0).outputs(in.height),
          AxisOf(shape_, 1).outputs(in.width)};
}

Border Conv2d::InputBorder(ImageSize in) const {
  const auto y = AxisOf(shape_, 0).InputBorder(in.height);
  const auto x = AxisOf(shape_, 1).InputBorder(in.width);
  return {y[0], x[0], y[1], x[1]};
}

bool Conv2d::ClipsGradient(ImageSize in) const {
  const auto products = [&](bool clipped) {
    return Products(AxisOf(shape_, 0).GradientSegments(in.height, clipped)) *
           Products(AxisOf(shape_, 1).GradientSegments(in.width, clipped));
  };
  // A kernel of half the image's size or less has the inner part whole.
  if (2 * shape_.kernel[0] <= in.height && 2 * shape_.kernel[1] <= in.width) {
    return false;
  }
  return products(true) <= kClippedShare * products(false);
}

Border Conv2d::GradientBorder(ImageSize in) const {
  if (ClipsGradient(in)) return {};
  const auto y = AxisOf(shape_, 0).GradientBorder(in.height);
  const auto x = AxisOf(shape_, 1).GradientBorder(in.width);
  return {y[0], x[0], y[1], x[1]};
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
  const ImageSize in{in_gradient.height, in_gradient.width};
  const bool clipped = ClipsGradient(in);
  const ConvAxis vertical = AxisOf(shape_, 0);
  const ConvAxis horizontal = AxisOf(shape_, 1);
  const auto columns = horizontal.GradientSegments(in.width, clipped);
  geometry->pieces.clear();
  std::vector<Tap> list;
  for (const auto& row : vertical.GradientSegments(in.height, clipped)) {
    for (const auto& column : columns) {
      list.clear();
      for (const int ky : row.taps) {
        for (const int kx : column.taps) {
          list.push_back(
              {taps() - 1 - (ky * shape_.kernel[1] + kx),
               vertical.OutputOf(ky, row.first) * out_gradient.row_stride +
                   horizontal.OutputOf(kx, column.first) *
                       out_gradient.pixel_stride});
        }
      }
      ConvGeometry::Piece piece{
          row.first, column.first, row.count, column.count, {}};
      piece.runs.resize(backward_.tasks());
      for (std::size_t p = 0; p < backward_.tasks(); ++p) {
        AppendRuns(list, backward_.panels[p], depthwise_, &piece.runs[p]);
      }
      geometry->pieces.push_back(std::move(piece));
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
  for (const ConvGeometry::Piece& piece : geometry.pieces) {
    const std::ptrdiff_t first =
        piece.y * in.row_stride + piece.x * in.pixel_stride;
    task.height = piece.height;
    task.width = piece.width;
    task.out = in.data + first;
    task.mask = args.mask == nullptr ? nullptr : args.mask + first;
    RunTasks(kernels, backward_, piece.runs, task);
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
  task.accumulate = args.accumulate;
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
