#include "common/nn/kernels/bfloat16_conv2d.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/nn/kernels/bfloat16.h"

namespace fedgap::kernels {
namespace {

// Products of each output channel of a pixel, from which on its weight gradient
// gains more than the conversion costs: 27 of three channels do not.
constexpr int kLeastRowProducts = 64;

int PairsOf(int channels) { return PadChannels(channels) / 2; }

bool FewerPairs(int channels) { return PairsOf(channels) < channels; }

// The channels of a pair.
int FirstOf(int pair) {
  return pair / kPairDistance * kChannelBlock + pair % kPairDistance;
}
int SecondOf(int pair) { return FirstOf(pair) + kPairDistance; }

ConvShape WithInputs(ConvShape shape, int in_channels) {
  shape.in_channels = in_channels;
  return shape;
}

ConvShape WithOutputs(ConvShape shape, int out_channels) {
  shape.out_channels = out_channels;
  return shape;
}

FeatureMap HalfMap(FeatureMap map) {
  map.channels = PairsOf(map.channels);
  map.pixel_stride /= 2;
  map.row_stride /= 2;
  return map;
}

// Every second row of outputs, and of the inputs that belong to them.
FeatureMap EverySecondRow(FeatureMap map) {
  map.height = (map.height + 1) / 2;
  map.row_stride *= 2;
  return map;
}

// Where the pixel (0, 0) stands in a converted map.
float* FirstPixel(const BorderedMap& from, std::ptrdiff_t floats_per_element,
                  float* to) {
  return to + (from.map.data - from.base) / floats_per_element;
}

FeatureMap ChannelPairs(const Kernels& kernels, const BorderedMap& from,
                        float* to) {
  const auto elements = static_cast<std::ptrdiff_t>(from.elements);
  kernels.channel_pairs(elements / from.map.pixel_stride, from.map.channels,
                        from.base, to);
  FeatureMap map = HalfMap(from.map);
  map.data = FirstPixel(from, 2, to);
  return map;
}

FeatureMap RowPairs(const Kernels& kernels, const BorderedMap& from, int rows,
                    float* to) {
  kernels.row_pairs(static_cast<std::ptrdiff_t>(from.elements),
                    rows * from.map.row_stride, from.base, to);
  FeatureMap map = EverySecondRow(from.map);
  map.data = FirstPixel(from, 1, to);
  return map;
}

Kernels OfPairs(Kernels kernels) {
  kernels.conv = kernels.conv_pairs;
  kernels.conv_weight_gradient = kernels.conv_pairs_weight_gradient;
  return kernels;
}

}  // namespace

Bfloat16Conv2d::Bfloat16Conv2d(const ConvShape& shape, bool padded_input)
    : whole_(shape),
      pairs_inputs_(padded_input && FewerPairs(shape.in_channels)),
      pairs_outputs_(FewerPairs(shape.out_channels)),
      forward_(pairs_inputs_ ? WithInputs(shape, PairsOf(shape.in_channels))
                             : shape),
      backward_(pairs_outputs_ ? WithOutputs(shape, PairsOf(shape.out_channels))
                               : shape) {
  FEDGAP_CHECK(shape.groups == 1);
}

std::size_t Bfloat16Conv2d::forward_elements() const {
  return forward_.forward_elements();
}

std::size_t Bfloat16Conv2d::backward_elements() const {
  return backward_.backward_elements();
}

bool Bfloat16Conv2d::PairsRows(int out_height) const {
  const ConvShape& shape = whole_.shape();
  const int products = shape.kernel[0] * shape.kernel[1] * shape.in_channels;
  // One row has no other to be paired with.
  return out_height > 1 && products >= kLeastRowProducts;
}

void Bfloat16Conv2d::PackForward(const float* weight, float* packed) const {
  if (!pairs_inputs_) {
    whole_.PackForward(weight, packed);
    return;
  }
  // [panel, tap, pair of inputs, output of the panel]
  const ConvShape& shape = whole_.shape();
  const int taps = shape.kernel[0] * shape.kernel[1];
  const int pairs = PairsOf(shape.in_channels);
  for (int out = 0; out < shape.out_channels; out += kChannelBlock) {
    const int lanes = std::min(kChannelBlock, shape.out_channels - out);
    for (int tap = 0; tap < taps; ++tap) {
      const float* rows =
          weight + std::ptrdiff_t{tap} * shape.in_channels * shape.out_channels;
      const auto row = [&](int in) {
        return rows + std::ptrdiff_t{in} * shape.out_channels + out;
      };
      for (int pair = 0; pair < pairs; ++pair, packed += kChannelBlock) {
        std::fill_n(packed, kChannelBlock, 0.0f);
        if (FirstOf(pair) >= shape.in_channels) continue;
        const float* first = row(FirstOf(pair));
        const bool paired = SecondOf(pair) < shape.in_channels;
        const float* second = paired ? row(SecondOf(pair)) : nullptr;
        for (int lane = 0; lane < lanes; ++lane) {
          packed[lane] =
              Bfloat16Pair(first[lane], paired ? second[lane] : 0.0f);
        }
      }
    }
  }
}

void Bfloat16Conv2d::PackBackward(const float* weight, float* packed) const {
  if (!pairs_outputs_) {
    whole_.PackBackward(weight, packed);
    return;
  }
  // [panel, flipped tap, pair of outputs, input of the panel]
  const ConvShape& shape = whole_.shape();
  const int taps = shape.kernel[0] * shape.kernel[1];
  const int pairs = PairsOf(shape.out_channels);
  const std::ptrdiff_t block = std::ptrdiff_t{pairs} * kChannelBlock;
  for (int in = 0; in < shape.in_channels; in += kChannelBlock) {
    const int lanes = std::min(kChannelBlock, shape.in_channels - in);
    for (int tap = taps - 1; tap >= 0; --tap, packed += block) {
      if (lanes < kChannelBlock) std::fill_n(packed, block, 0.0f);
      for (int lane = 0; lane < lanes; ++lane) {
        const float* row =
            weight + (std::ptrdiff_t{tap} * shape.in_channels + in + lane) *
                         shape.out_channels;
        const auto output = [&](int out) {
          return out < shape.out_channels ? row[out] : 0.0f;
        };
        for (int pair = 0; pair < pairs; ++pair) {
          packed[pair * kChannelBlock + lane] =
              Bfloat16Pair(output(FirstOf(pair)), output(SecondOf(pair)));
        }
      }
    }
  }
}

void Bfloat16Conv2d::PrepareForward(const FeatureMap& in,
                                    ConvGeometry* geometry) const {
  whole_.PrepareForward(in, geometry);
  if (!pairs_inputs_) return;
  // The weight gradient's offsets are those of the whole map.
  std::vector<std::ptrdiff_t> taps = std::move(geometry->taps);
  forward_.PrepareForward(HalfMap(in), geometry);
  geometry->taps = std::move(taps);
}

void Bfloat16Conv2d::PrepareInputGradient(const FeatureMap& in_gradient,
                                          const FeatureMap& out_gradient,
                                          ConvGeometry* geometry) const {
  backward_.PrepareInputGradient(
      in_gradient, pairs_outputs_ ? HalfMap(out_gradient) : out_gradient,
      geometry);
}

std::size_t Bfloat16Conv2d::ScratchElements(std::size_t in, std::size_t out) {
  return PadFloats(in) + PadFloats(out);
}

void Bfloat16Conv2d::Forward(const Kernels& kernels,
                             const ConvGeometry& geometry,
                             const BorderedMap& in, Conv2d::ForwardArgs args,
                             float* scratch) const {
  if (!pairs_inputs_) {
    whole_.Forward(kernels, geometry, args);
    return;
  }
  args.in = ChannelPairs(kernels, in, scratch);
  forward_.Forward(OfPairs(kernels), geometry, args);
}

void Bfloat16Conv2d::InputGradient(const Kernels& kernels,
                                   const ConvGeometry& geometry,
                                   const BorderedMap& out_gradient,
                                   Conv2d::InputGradientArgs args,
                                   float* scratch) const {
  if (!pairs_outputs_) {
    whole_.InputGradient(kernels, geometry, args);
    return;
  }
  args.out_gradient = ChannelPairs(kernels, out_gradient, scratch);
  backward_.InputGradient(OfPairs(kernels), geometry, args);
}

void Bfloat16Conv2d::WeightGradient(const Kernels& kernels,
                                    const ConvGeometry& geometry,
                                    const BorderedMap& in,
                                    const BorderedMap& out_gradient,
                                    float* weight_gradient, bool accumulate,
                                    float* scratch) const {
  if (!PairsRows(out_gradient.map.height)) {
    whole_.WeightGradient(
        kernels, geometry,
        {in.map, out_gradient.map, weight_gradient, accumulate});
    return;
  }
  const FeatureMap in_pairs =
      RowPairs(kernels, in, whole_.shape().stride[0], scratch);
  const FeatureMap gradient_pairs =
      RowPairs(kernels, out_gradient, 1, scratch + PadFloats(in.elements));
  whole_.WeightGradient(
      OfPairs(kernels), geometry,
      {in_pairs, gradient_pairs, weight_gradient, accumulate});
}

}  // namespace fedgap::kernels
