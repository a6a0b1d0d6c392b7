#include "common/nn/kernels/conv2d.h"

#include <gtest/gtest.h>

#include <limits>
#include <ostream>
#include <string>
#include <vector>

#include "tests/common/nn/kernels/kernel_matchers.h"
#include "tests/common/nn/kernels/map_buffer.h"

namespace fedgap::kernels {

std::ostream& operator<<(std::ostream& out, const ConvShape& s) {
  return out << "kernel " << s.kernel[0] << "x" << s.kernel[1] << " stride "
             << s.stride[0] << "x" << s.stride[1] << " padding " << s.padding[0]
             << "x" << s.padding[1] << " dilation " << s.dilation[0] << "x"
             << s.dilation[1] << " channels " << s.in_channels << "->"
             << s.out_channels << " groups " << s.groups;
}

namespace {

struct ConvCase {
  ConvShape shape;
  ImageSize size;
};

// Everything that one convolution computes, fast, on fresh maps.
class FastConv {
 public:
  FastConv(const Kernels& kernels, const ConvCase& c, const naive::Image& in,
           const naive::Vector& weight)
      : kernels_(kernels),
        conv_(c.shape),
        in_(in, conv_.InputBorder(c.size), conv_.depthwise()),
        weight_(weight),
        gradient_border_(conv_.GradientBorder(c.size)) {}

  naive::Image Forward(const naive::Vector& bias, bool relu) {
    const ImageSize size =
        conv_.OutputSize({in_.map().height, in_.map().width});
    MapBuffer out(size.height, size.width, conv_.shape().out_channels);
    Parameters packed(conv_.forward_elements());
    conv_.PackForward(weight_.data(), packed.data());
    Parameters padded_bias(out.map().pixel_stride);
    std::copy(bias.begin(), bias.end(), padded_bias.begin());
    conv_.PrepareForward(in_.map(), &geometry_);
    conv_.Forward(
        kernels_, geometry_,
        {in_.map(), packed.data(), bias.empty() ? nullptr : padded_bias.data(),
         relu, out.map()});
    return out.image();
  }

  naive::Image InputGradient(const naive::Image& out_gradient,
                             const naive::Image* start,
                             const naive::Image* mask) {
    const MapBuffer d(out_gradient, gradient_border_);
    MapBuffer gradient(in_.map().height, in_.map().width,
                       conv_.shape().in_channels);
    if (start != nullptr) {
      const MapBuffer from(*start);
      kernels_.copy(from.map(), false, gradient.map());
    }
    const MapBuffer mask_map(mask == nullptr ? gradient.image() : *mask);
    Parameters packed(conv_.backward_elements());
    conv_.PackBackward(weight_.data(), packed.data());
    conv_.PrepareInputGradient(gradient.map(), d.map(), &geometry_);
    conv_.InputGradient(kernels_, geometry_,
                        {d.map(), packed.data(),
                         mask == nullptr ? nullptr : mask_map.map().data,
                         start != nullptr, gradient.map()});
    return gradient.image();
  }

  // Two images of the same values, one after the other.
  naive::Vector WeightGradient(const naive::Image& out_gradient) {
    const MapBuffer d(out_gradient, gradient_border_);
    // What stood there before the first is not read.
    Parameters packed(conv_.forward_elements(),
                      std::numeric_limits<float>::quiet_NaN());
    conv_.PrepareForward(in_.map(), &geometry_);
    for (int n = 0; n < 2; ++n) {
      conv_.WeightGradient(
          kernels_, geometry_,
          {in_.map(), d.map(), packed.data(), /*accumulate=*/n > 0});
    }
    naive::Vector gradient(weight_.size());
    conv_.UnpackGradient(packed.data(), gradient.data());
    return gradient;
  }

 private:
  const Kernels& kernels_;
  Conv2d conv_;
  MapBuffer in_;
  naive::Vector weight_;
  Border gradient_border_;
  ConvGeometry geometry_;
};

void CheckCase(Isa isa, const ConvCase& c, CounterRng& rng) {
  SCOPED_TRACE(::testing::Message() << c.shape << " on " << c.size.ToString());
  const auto elements = static_cast<std::size_t>(
      c.shape.kernel[0] * c.shape.kernel[1] *
      (c.shape.in_channels / c.shape.groups) * c.shape.out_channels);
  const naive::Image in =
      RandomImage(rng, c.size.height, c.size.width, c.shape.in_channels);
  const naive::Vector weight = RandomVector(rng, elements);
  const naive::Vector bias =
      RandomVector(rng, static_cast<std::size_t>(c.shape.out_channels));
  FastConv fast(KernelsFor(isa), c, in, weight);

  const naive::Image out = naive::ConvForward(c.shape, in, weight, bias);
  EXPECT_TRUE(SameValues(isa, fast.Forward(bias, false).values, out.values));
  EXPECT_TRUE(SameValues(isa, fast.Forward(bias, true).values,
                         naive::Relu(out).values));
  EXPECT_TRUE(SameValues(isa, fast.Forward({}, false).values,
                         naive::ConvForward(c.shape, in, weight, {}).values));

  const naive::Image d = RandomImage(rng, out.height, out.width, out.channels);
  const naive::Image gradient =
      naive::ConvInputGradient(c.shape, in, weight, d);
  EXPECT_TRUE(SameValues(isa, fast.InputGradient(d, nullptr, nullptr).values,
                         gradient.values));
  EXPECT_TRUE(SameValues(isa, fast.InputGradient(d, nullptr, &in).values,
                         naive::ReluGradient(in, gradient).values));

  naive::Vector weight_gradient(elements);
  naive::ConvWeightGradient(c.shape, in, d, &weight_gradient);
  naive::ConvWeightGradient(c.shape, in, d, &weight_gradient);
  EXPECT_TRUE(SameValues(isa, fast.WeightGradient(d), weight_gradient));
}

bool Fits(const ConvCase& c) {
  const ImageSize out = Conv2d(c.shape).OutputSize(c.size);
  return out.height > 0 && out.width > 0;
}

ConvCase RandomCase(CounterRng& rng) {
  ConvCase c;
  c.shape = RandomWindow(rng);
  c.size = {RandomInt(rng, 1, 9), RandomInt(rng, 1, 17)};
  c.shape.groups = RandomInt(rng, 0, 2) == 0 ? RandomInt(rng, 2, 9) : 1;
  c.shape.in_channels = c.shape.groups * RandomInt(rng, 1, 7);
  c.shape.out_channels = c.shape.groups * RandomInt(rng, 1, 9);
  return c;
}

using Conv2dTest = KernelTest;

TEST_P(Conv2dTest, AgreesWithItsNaiveTwinOnRandomShapes) {
  CounterRng rng(1, RngPurpose::kSynthetic);
  for (int n = 0; n < 60;) {
    const ConvCase c = RandomCase(rng);
    if (!Fits(c)) continue;
    CheckCase(isa(), c, rng);
    ++n;
  }
}

TEST_P(Conv2dTest, HandlesEveryTailOfChannelsAndPixels) {
  CounterRng rng(2, RngPurpose::kSynthetic);
  for (int n = 1; n <= 35; ++n) {
    ConvCase c;
    c.shape.kernel = {3, 3};
    c.shape.padding = {1, 1};
    c.shape.in_channels = n % 5 + 1;
    c.shape.out_channels = n;
    c.size = {2, 36 - n};
    CheckCase(isa(), c, rng);
    c.shape.in_channels = n;
    c.shape.out_channels = 3;
    CheckCase(isa(), c, rng);
  }
}

TEST_P(Conv2dTest, HandlesDepthwise) {
  CounterRng rng(3, RngPurpose::kSynthetic);
  for (const int channels : {2, 15, 16, 17, 48}) {
    ConvCase c;
    c.shape.kernel = {3, 5};
    c.shape.padding = {1, 2};
    c.shape.stride = {1 + channels % 2, 2};
    c.shape.in_channels = c.shape.out_channels = c.shape.groups = channels;
    c.size = {7, 9};
    CheckCase(isa(), c, rng);
  }
}

TEST_P(Conv2dTest, HandlesWideLayersAndVectors) {
  CounterRng rng(4, RngPurpose::kSynthetic);
  // A linear layer; a 1x1 convolution; a kernel larger than the image; more
  // pixels than one band of the weight gradient.
  const std::vector<ConvCase> cases = {
      {{.in_channels = 70, .out_channels = 33}, {1, 1}},
      {{.in_channels = 40, .out_channels = 64}, {5, 6}},
      {{.kernel = {5, 7},
        .padding = {2, 3},
        .in_channels = 3,
        .out_channels = 20},
       {2, 1}},
      {{.kernel = {3, 3},
        .padding = {1, 1},
        .in_channels = 2,
        .out_channels = 16},
       {21, 40}}};
  for (const ConvCase& c : cases) CheckCase(isa(), c, rng);
}

TEST_P(Conv2dTest, ClipsTheGradientOfKernelsAsLargeAsTheImage) {
  CounterRng rng(6, RngPurpose::kSynthetic);
  // One output; three times two of them; with padding; with strides that leave
  // inputs over; by groups; depthwise.
  const std::vector<ConvCase> cases = {
      {{.kernel = {7, 6}, .in_channels = 18, .out_channels = 35}, {7, 6}},
      {{.kernel = {7, 9}, .in_channels = 3, .out_channels = 5}, {9, 10}},
      {{.kernel = {8, 8},
        .padding = {1, 0},
        .in_channels = 17,
        .out_channels = 4},
       {7, 9}},
      {{.kernel = {6, 7},
        .stride = {2, 3},
        .in_channels = 2,
        .out_channels = 16},
       {7, 9}},
      {{.kernel = {5, 5},
        .dilation = {2, 1},
        .in_channels = 6,
        .out_channels = 40,
        .groups = 2},
       {9, 5}},
      {{.kernel = {8, 8}, .in_channels = 20, .out_channels = 20, .groups = 20},
       {8, 9}}};
  for (const ConvCase& c : cases) {
    const Conv2d conv(c.shape);
    EXPECT_TRUE(conv.ClipsGradient(c.size)) << c.shape;
    EXPECT_EQ(conv.GradientBorder(c.size), Border()) << c.shape;
    CheckCase(isa(), c, rng);
  }
  const Conv2d usual({.kernel = {3, 3}, .padding = {1, 1}});
  EXPECT_FALSE(usual.ClipsGradient({3, 3}));
  EXPECT_EQ(usual.GradientBorder({3, 3}), (Border{1, 1, 1, 1}));
}

TEST_P(Conv2dTest, AddsInputGradientsToWhatIsThere) {
  CounterRng rng(5, RngPurpose::kSynthetic);
  ConvCase c;
  c.shape.kernel = {1, 1};
  c.shape.stride = {2, 2};
  c.shape.in_channels = 6;
  c.shape.out_channels = 1;
  c.size = {5, 4};
  const naive::Image in = RandomImage(rng, 5, 4, 6);
  const naive::Image d = RandomImage(rng, 3, 2, 1);
  const naive::Vector weight = RandomVector(rng, 6);
  naive::Image expected = naive::ConvInputGradient(c.shape, in, weight, d);
  // One product an element: its sum with the start is one fused operation.
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 4; ++x) {
      for (int k = 0; k < 6; ++k) {
        const bool reached = y % 2 == 0 && x % 2 == 0;
        expected.at(y, x, k) =
            reached
                ? std::fma(d.at(y / 2, x / 2, 0),
                           weight[static_cast<std::size_t>(k)], in.at(y, x, k))
                : in.at(y, x, k);
      }
    }
  }
  FastConv fast(kernels(), c, in, weight);
  EXPECT_TRUE(SameValues(isa(), fast.InputGradient(d, &in, nullptr).values,
                         expected.values));
}

INSTANTIATE_TEST_SUITE_P(Isas, Conv2dTest, ::testing::ValuesIn(SupportedIsas()),
                         IsaTestName);

}  // namespace
}  // namespace fedgap::kernels
