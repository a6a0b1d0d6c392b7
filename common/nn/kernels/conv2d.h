// Convolutions of any kernel size, stride, padding, dilation and groups,
// expressed as tasks for the kernels.
//
// A convolution is a sum over taps, each the product of a shifted image and a
// small matrix. Whatever is irregular (borders, strides, groups) is put into
// offsets before the kernels run: maps carry a border of zeros as wide as the
// taps reach, the input gradient is the same sum over the output gradient with
// flipped and transposed weights, one set of taps for each phase of the
// stride (and more where the kernel is about as large as the image), and groups
// are blocks of output channels that read a part of the input channels. A
// linear layer is a 1x1 convolution of one pixel.
#ifndef FEDGAP_COMMON_NN_KERNELS_CONV2D_H_
#define FEDGAP_COMMON_NN_KERNELS_CONV2D_H_

#include <array>
#include <cstddef>
#include <vector>

#include "common/nn/kernels/feature_map.h"
#include "common/nn/kernels/kernels.h"
#include "common/tensor/image_view.h"

namespace fedgap::kernels {

// {height, width} pairs. Channels are multiples of `groups`.
struct ConvShape {
  std::array<int, 2> kernel = {1, 1};
  std::array<int, 2> stride = {1, 1};
  std::array<int, 2> padding = {0, 0};
  std::array<int, 2> dilation = {1, 1};
  int in_channels = 1;
  int out_channels = 1;
  int groups = 1;
};

// Zero pixels around a map.
struct Border {
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;

  // The smallest border that contains both.
  Border operator|(const Border& other) const;
  bool operator==(const Border&) const = default;
};

// The tasks of one convolution for maps of one size, without their data.
// Filled by Conv2d; its memory is reused for the next size.
struct ConvGeometry {
  // Inputs a stride apart whose gradients are sums over the same taps.
  struct Piece {
    int y = 0;  // the first one
    int x = 0;
    int height = 0;
    int width = 0;
    // For each panel of the backward weights.
    std::vector<std::vector<ConvRun>> runs;
  };

  // For each panel of the forward weights.
  std::vector<std::vector<ConvRun>> forward;
  std::vector<std::ptrdiff_t> taps;
  std::vector<Piece> pieces;
};

// Immutable and thread-safe; holds no weights. Model weights are
// [kernel_h, kernel_w, in_channels / groups, out_channels]; packed ones are
// panels of kChannelBlock outputs, zero where a group or the last block ends,
// in 64-byte aligned buffers.
class Conv2d {
 public:
  explicit Conv2d(const ConvShape& shape);

  const ConvShape& shape() const { return shape_; }
  // One input and one output channel a group: vectors run over the groups, so
  // that the input, too, must be a padded map.
  bool depthwise() const { return depthwise_; }

  ImageSize OutputSize(ImageSize in) const;
  // How far the forward pass reads beyond an input of this size, and the input
  // gradient beyond the output gradient.
  Border InputBorder(ImageSize in) const;
  Border GradientBorder(ImageSize in) const;

  // Whether the input gradient of an image of this size leaves out the products
  // with the border's zeros, which for a kernel about as large as the image are
  // nearly all. A finite gradient differs in the sign of a zero at most.
  bool ClipsGradient(ImageSize in) const;

  // Floats of the packed weights, and of their packed gradient (laid out as
  // the forward weights).
  std::size_t forward_elements() const { return forward_.elements; }
  std::size_t backward_elements() const { return backward_.elements; }
  void PackForward(const float* weight, float* packed) const;
  void PackBackward(const float* weight, float* packed) const;
  void UnpackGradient(const float* packed, float* weight_gradient) const;

  // Only the maps' sizes and strides are read; Forward and so on take maps of
  // these.
  void PrepareForward(const FeatureMap& in, ConvGeometry* geometry) const;
  void PrepareInputGradient(const FeatureMap& in_gradient,
                            const FeatureMap& out_gradient,
                            ConvGeometry* geometry) const;

  // out = bias + conv(in), then relu if asked. `bias` [padded out_channels] may
  // be null.
  struct ForwardArgs {
    FeatureMap in;
    const float* weights = nullptr;
    const float* bias = nullptr;
    bool relu = false;
    FeatureMap out;
  };
  void Forward(const Kernels& kernels, const ConvGeometry& geometry,
               const ForwardArgs& args) const;

  // in_gradient (+)= the gradient, zero where `mask` (null, or a map of
  // in_gradient's strides) is not positive. Not both accumulate and mask.
  struct InputGradientArgs {
    FeatureMap out_gradient;
    const float* weights = nullptr;  // of PackBackward
    const float* mask = nullptr;
    bool accumulate = false;
    FeatureMap in_gradient;
  };
  void InputGradient(const Kernels& kernels, const ConvGeometry& geometry,
                     const InputGradientArgs& args) const;

  // weight_gradient (packed) += the gradient, or = the gradient.
  struct WeightGradientArgs {
    FeatureMap in;
    FeatureMap out_gradient;
    float* weight_gradient = nullptr;
    bool accumulate = true;
  };
  void WeightGradient(const Kernels& kernels, const ConvGeometry& geometry,
                      const WeightGradientArgs& args) const;

 private:
  // The input channels that a block of outputs reads, and its weights.
  struct Panel {
    int in_begin = 0;
    int in_count = 0;
    std::size_t offset = 0;
  };
  struct PanelLayout {
    std::vector<Panel> panels;
    std::size_t elements = 0;
    // Dense and depthwise: one task does all panels.
    bool uniform = true;
    std::ptrdiff_t stride = 0;  // floats between panels, if uniform
    std::size_t tasks() const { return uniform ? 1 : panels.size(); }
  };
  struct Tap {
    int index;  // among the packed taps
    std::ptrdiff_t in;
  };

  // kChannelBlock outputs of one tap and input, from `first_out` on: where they
  // begin among the packed weights.
  struct PackedRow {
    int tap;
    int in;
    int first_out;
    std::size_t packed;
  };

  template <typename Visit>
  void ForEachForwardRow(const Visit& visit) const;
  PanelLayout MakeLayout(int in_channels, int out_channels) const;
  static void AppendRuns(const std::vector<Tap>& taps, const Panel& panel,
                         bool depthwise, std::vector<ConvRun>* runs);
  void RunTasks(const Kernels& kernels, const PanelLayout& layout,
                const std::vector<std::vector<ConvRun>>& runs,
                ConvTask task) const;
  int taps() const { return shape_.kernel[0] * shape_.kernel[1]; }

  ConvShape shape_;
  bool depthwise_ = false;
  PanelLayout forward_;
  PanelLayout backward_;
};

}  // namespace fedgap::kernels

#endif  // FEDGAP_COMMON_NN_KERNELS_CONV2D_H_
