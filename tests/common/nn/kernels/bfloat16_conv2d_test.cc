#include "common/nn/kernels/bfloat16_conv2d.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "common/nn/kernels/bfloat16.h"
#include "tests/common/nn/kernels/kernel_matchers.h"
#include "tests/common/nn/kernels/map_buffer.h"

namespace fedgap::kernels {
namespace {

TEST(Bfloat16Test, RoundsToTheNearestTiesToEven) {
  EXPECT_EQ(RoundToBfloat16(1.0f), 1.0f);
  EXPECT_EQ(RoundToBfloat16(-1.0f), -1.0f);
  // Steps of 1/128 above 1: halfway goes to the even one.
  EXPECT_EQ(RoundToBfloat16(1.0f + 1.0f / 256), 1.0f);
  EXPECT_EQ(RoundToBfloat16(1.0f + 3.0f / 256), 1.0f + 4.0f / 256);
  EXPECT_EQ(RoundToBfloat16(1.0f + 1.001f / 256), 1.0f + 2.0f / 256);
  EXPECT_EQ(RoundToBfloat16(std::numeric_limits<float>::max()),
            std::numeric_limits<float>::infinity());
  EXPECT_TRUE(std::isnan(RoundToBfloat16(std::bit_cast<float>(0x7f800001u))));
  EXPECT_TRUE(std::isnan(RoundToBfloat16(std::bit_cast<float>(0xffffffffu))));
  EXPECT_EQ(RoundToBfloat16(0x1p-126f), 0x1p-126f);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(RoundToBfloat16(-0x1p-127f)),
            0x80000000u);
}

// Of every kind: normal, subnormal, infinite, not a number, zero.
naive::Vector AnyFloats(CounterRng& rng, std::size_t count) {
  naive::Vector values(count);
  for (float& value : values) {
    auto bits = static_cast<std::uint32_t>(rng.Below(std::uint64_t{1} << 32));
    switch (rng.Below(8)) {
      case 0:
        bits &= 0x807fffffu;
        break;
      case 1:
        bits |= 0x7f800000u;
        break;
      case 2:
        bits &= 0xff80ffffu;
        break;
      default:
        break;
    }
    value = std::bit_cast<float>(bits);
  }
  return values;
}

std::vector<std::uint32_t> BitsOf(const Parameters& values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) {
    bits.push_back(std::bit_cast<std::uint32_t>(value));
  }
  return bits;
}

// The channels in the order in which a pixel's pairs take them.
std::vector<int> PairOrder(int channels) {
  std::vector<int> order;
  for (int block = 0; block < channels; block += kChannelBlock) {
    for (int i = 0; i < kChannelBlock / 2; ++i) {
      for (const int c : {block + i, block + i + kChannelBlock / 2}) {
        if (c < channels) order.push_back(c);
      }
    }
  }
  return order;
}

naive::Vector Rounded(naive::Vector values) {
  for (float& value : values) value = RoundToBfloat16(value);
  return values;
}

naive::Image Rounded(naive::Image image) {
  image.values = Rounded(std::move(image.values));
  return image;
}

naive::Image Reordered(const naive::Image& image,
                       const std::vector<int>& order) {
  naive::Image result(image.height, image.width, image.channels);
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      for (int c = 0; c < image.channels; ++c) {
        result.at(y, x, c) = image.at(y, x, order[static_cast<std::size_t>(c)]);
      }
    }
  }
  return result;
}

// Weights [taps, in, out] as an image of one row a tap.
naive::Image AsImage(const ConvShape& shape, const naive::Vector& weight) {
  naive::Image image(shape.kernel[0] * shape.kernel[1], shape.in_channels,
                     shape.out_channels);
  image.values = weight;
  return image;
}

naive::Vector ReorderedInputs(const ConvShape& shape,
                              const naive::Vector& weight,
                              const std::vector<int>& order) {
  const naive::Image from = AsImage(shape, weight);
  naive::Image to = from;
  for (int tap = 0; tap < from.height; ++tap) {
    for (int in = 0; in < from.width; ++in) {
      for (int out = 0; out < from.channels; ++out) {
        to.at(tap, in, out) =
            from.at(tap, order[static_cast<std::size_t>(in)], out);
      }
    }
  }
  return to.values;
}

naive::Vector ReorderedOutputs(const ConvShape& shape,
                               const naive::Vector& weight,
                               const std::vector<int>& order) {
  return Reordered(AsImage(shape, weight), order).values;
}

// The naive twins: the plain convolution of rounded numbers, its channels in
// the order of the pairs.
naive::Image NaiveForward(const ConvShape& shape, const naive::Image& in,
                          const naive::Vector& weight,
                          const naive::Vector& bias) {
  const std::vector<int> order = PairOrder(shape.in_channels);
  return naive::ConvForward(shape, Reordered(Rounded(in), order),
                            ReorderedInputs(shape, Rounded(weight), order),
                            bias);
}

naive::Image NaiveInputGradient(const ConvShape& shape, const naive::Image& in,
                                const naive::Vector& weight,
                                const naive::Image& out_gradient) {
  const std::vector<int> order = PairOrder(shape.out_channels);
  return naive::ConvInputGradient(
      shape, in, ReorderedOutputs(shape, Rounded(weight), order),
      Reordered(Rounded(out_gradient), order));
}

// Two rows of outputs at a time.
void NaiveWeightGradient(const ConvShape& shape, const naive::Image& in,
                         const naive::Image& out_gradient,
                         naive::Vector* weight_gradient) {
  naive::Image sums = AsImage(shape, *weight_gradient);
  const auto add = [&](int oy, int ox, int tap, int ic, int oc) {
    if (oy >= out_gradient.height) return;
    const int y = oy * shape.stride[0] +
                  tap / shape.kernel[1] * shape.dilation[0] - shape.padding[0];
    const int x = ox * shape.stride[1] +
                  tap % shape.kernel[1] * shape.dilation[1] - shape.padding[1];
    float& sum = sums.at(tap, ic, oc);
    sum = std::fma(RoundToBfloat16(in.padded(y, x, ic)),
                   RoundToBfloat16(out_gradient.at(oy, ox, oc)), sum);
  };
  for (int tap = 0; tap < sums.height; ++tap) {
    for (int ic = 0; ic < sums.width; ++ic) {
      for (int oc = 0; oc < sums.channels; ++oc) {
        for (int oy = 0; oy < out_gradient.height; oy += 2) {
          for (int ox = 0; ox < out_gradient.width; ++ox) {
            add(oy, ox, tap, ic, oc);
            add(oy + 1, ox, tap, ic, oc);
          }
        }
      }
    }
  }
  *weight_gradient = sums.values;
}

struct MixedCase {
  ConvShape shape;
  ImageSize size;
  bool padded = true;
};

void CheckCase(Isa isa, const MixedCase& c, CounterRng& rng) {
  const ConvShape& s = c.shape;
  SCOPED_TRACE(::testing::Message()
               << "kernel " << s.kernel[0] << "x" << s.kernel[1] << " stride "
               << s.stride[0] << "x" << s.stride[1] << " padding "
               << s.padding[0] << "x" << s.padding[1] << " dilation "
               << s.dilation[0] << "x" << s.dilation[1] << " channels "
               << s.in_channels << "->" << s.out_channels << " on "
               << c.size.ToString() << (c.padded ? "" : ", dense"));
  const Kernels& kernels = KernelsFor(isa);
  const Conv2d whole(s);
  const Bfloat16Conv2d conv(s, c.padded);
  const ImageSize out_size = whole.OutputSize(c.size);
  const naive::Image in =
      RandomImage(rng, c.size.height, c.size.width, s.in_channels);
  const naive::Image d =
      RandomImage(rng, out_size.height, out_size.width, s.out_channels);
  const auto elements = static_cast<std::size_t>(
      s.kernel[0] * s.kernel[1] * s.in_channels * s.out_channels);
  const naive::Vector weight = RandomVector(rng, elements);
  const naive::Vector bias =
      RandomVector(rng, static_cast<std::size_t>(s.out_channels));

  MapBuffer in_map(in, whole.InputBorder(c.size), c.padded);
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  if (c.padded) in_map.FillUnusedLanes(kNan);
  MapBuffer d_map(d, whole.GradientBorder(c.size));
  d_map.FillUnusedLanes(kNan);
  MapBuffer out(out_size.height, out_size.width, s.out_channels);
  MapBuffer in_gradient(c.size.height, c.size.width, s.in_channels);
  Parameters scratch(Bfloat16Conv2d::ScratchElements(
      in_map.bordered().elements, d_map.bordered().elements));
  ConvGeometry geometry;
  conv.PrepareForward(in_map.map(), &geometry);
  conv.PrepareInputGradient(in_gradient.map(), d_map.map(), &geometry);

  Parameters forward(conv.forward_elements());
  conv.PackForward(weight.data(), forward.data());
  Parameters padded_bias(out.map().pixel_stride);
  std::copy(bias.begin(), bias.end(), padded_bias.begin());
  conv.Forward(
      kernels, geometry, in_map.bordered(),
      {in_map.map(), forward.data(), padded_bias.data(), true, out.map()},
      scratch.data());
  const naive::Image expected = conv.pairs_inputs()
                                    ? NaiveForward(s, in, weight, bias)
                                    : naive::ConvForward(s, in, weight, bias);
  EXPECT_TRUE(
      SameValues(isa, out.image().values, naive::Relu(expected).values));

  Parameters backward(conv.backward_elements());
  conv.PackBackward(weight.data(), backward.data());
  conv.InputGradient(
      kernels, geometry, d_map.bordered(),
      {d_map.map(), backward.data(), nullptr, false, in_gradient.map()},
      scratch.data());
  MapBuffer masked(c.size.height, c.size.width, s.in_channels);
  const MapBuffer mask(in);
  conv.InputGradient(
      kernels, geometry, d_map.bordered(),
      {d_map.map(), backward.data(), mask.map().data, false, masked.map()},
      scratch.data());
  const naive::Image gradient =
      conv.pairs_outputs() ? NaiveInputGradient(s, in, weight, d)
                           : naive::ConvInputGradient(s, in, weight, d);
  EXPECT_TRUE(SameValues(isa, in_gradient.image().values, gradient.values));
  EXPECT_TRUE(SameValues(isa, masked.image().values,
                         naive::ReluGradient(in, gradient).values));

  // What stood there is not read.
  Parameters packed(whole.forward_elements(),
                    std::numeric_limits<float>::quiet_NaN());
  naive::Vector expected_weights(elements);
  for (int n = 0; n < 2; ++n) {
    conv.WeightGradient(kernels, geometry, in_map.bordered(), d_map.bordered(),
                        packed.data(), /*accumulate=*/n > 0, scratch.data());
    if (conv.PairsRows(d.height)) {
      NaiveWeightGradient(s, in, d, &expected_weights);
    } else {
      naive::ConvWeightGradient(s, in, d, &expected_weights);
    }
  }
  naive::Vector weights(elements);
  whole.UnpackGradient(packed.data(), weights.data());
  EXPECT_TRUE(SameValues(isa, weights, expected_weights));
}

using Bfloat16Conv2dTest = KernelTest;

TEST_P(Bfloat16Conv2dTest, PairsWhatTheNaiveRoundingGives) {
  CounterRng rng(1, RngPurpose::kSynthetic);
  for (const int channels : {1, 7, 8, 9, 15, 16, 17, 24, 33}) {
    constexpr std::ptrdiff_t kPixels = 6;
    const auto padded = static_cast<std::size_t>(PadChannels(channels));
    const naive::Vector values = AnyFloats(rng, kPixels * padded);
    const Parameters from(values.begin(), values.end());
    Parameters to(from.size() / 2);
    kernels().channel_pairs(kPixels, channels, from.data(), to.data());
    Parameters expected;
    for (std::size_t p = 0; p < kPixels; ++p) {
      for (std::size_t block = 0; block < padded; block += kChannelBlock) {
        for (std::size_t i = 0; i < kChannelBlock / 2; ++i) {
          const auto value = [&](std::size_t c) {
            return static_cast<int>(c) < channels ? from[p * padded + c] : 0.0f;
          };
          expected.push_back(Bfloat16Pair(
              value(block + i), value(block + i + kChannelBlock / 2)));
        }
      }
    }
    EXPECT_EQ(BitsOf(to), BitsOf(expected)) << channels;
  }
  for (const std::size_t step : {1, 5, 16, 40, 100}) {
    for (const std::size_t count : {1, 3, 16, 53, 64}) {
      const naive::Vector values = AnyFloats(rng, count);
      const Parameters from(values.begin(), values.end());
      Parameters to(count);
      kernels().row_pairs(static_cast<std::ptrdiff_t>(count),
                          static_cast<std::ptrdiff_t>(step), from.data(),
                          to.data());
      Parameters expected;
      for (std::size_t i = 0; i < count; ++i) {
        expected.push_back(
            Bfloat16Pair(from[i], i + step < count ? from[i + step] : 0.0f));
      }
      EXPECT_EQ(BitsOf(to), BitsOf(expected)) << step << " of " << count;
    }
  }
}

TEST_P(Bfloat16Conv2dTest, AgreesWithItsNaiveTwinOnRandomShapes) {
  CounterRng rng(2, RngPurpose::kSynthetic);
  for (int n = 0; n < 60;) {
    MixedCase c;
    c.shape = RandomWindow(rng);
    c.size = {RandomInt(rng, 1, 9), RandomInt(rng, 1, 17)};
    c.shape.in_channels = RandomInt(rng, 1, 40);
    c.shape.out_channels = RandomInt(rng, 1, 40);
    c.padded = RandomInt(rng, 0, 3) > 0;
    const ImageSize out = Conv2d(c.shape).OutputSize(c.size);
    if (out.height < 1 || out.width < 1) continue;
    CheckCase(isa(), c, rng);
    ++n;
  }
}

TEST_P(Bfloat16Conv2dTest, HandlesWideMapsAndWideLayers) {
  CounterRng rng(3, RngPurpose::kSynthetic);
  const ConvShape usual{.kernel = {3, 3},
                        .padding = {1, 1},
                        .in_channels = 16,
                        .out_channels = 32};
  ConvShape dense = usual;
  dense.in_channels = 9;
  const std::vector<MixedCase> cases = {
      {usual, {21, 40}},
      {usual, {28, 28}},
      {dense, {15, 33}, false},
      {{.in_channels = 70, .out_channels = 64}, {5, 6}},
      // The input gradient of a kernel as large as the image is clipped.
      {{.kernel = {7, 6}, .in_channels = 18, .out_channels = 35}, {7, 6}}};
  for (const MixedCase& c : cases) CheckCase(isa(), c, rng);
}

TEST_P(Bfloat16Conv2dTest, FlushesWhatIsTooSmallOnEveryCpu) {
  // 2^-70 squared is below every normal number, and what it is added to stays.
  const ConvShape shape{.in_channels = 16, .out_channels = 16};
  const Bfloat16Conv2d conv(shape, true);
  naive::Image in(1, 1, 16);
  for (float& value : in.values) value = 0x1p-70f;
  const naive::Vector weight(256, 0x1p-70f);
  const MapBuffer in_map(in);
  MapBuffer out(1, 1, 16);
  Parameters scratch(Bfloat16Conv2d::ScratchElements(16, 16));
  Parameters packed(conv.forward_elements());
  conv.PackForward(weight.data(), packed.data());
  Parameters bias(16, 0x1p-130f);
  bias[3] = 0x1p-100f;
  ConvGeometry geometry;
  conv.PrepareForward(in_map.map(), &geometry);
  conv.Forward(kernels(), geometry, in_map.bordered(),
               {in_map.map(), packed.data(), bias.data(), false, out.map()},
               scratch.data());
  for (int c = 0; c < 16; ++c) {
    EXPECT_EQ(out.image().at(0, 0, c), c == 3 ? 0x1p-100f : 0.0f) << c;
  }
  // Outside of the kernels subnormal numbers are what they were.
  volatile float small = 0x1p-126f;
  EXPECT_GT(small / 2, 0.0f);
}

// What the instruction does with the smallest numbers, its replacement does, to
// the sign of a zero; only which NaN comes out is not asked.
TEST(Bfloat16ProductsTest, AreTheSameNearTheSmallestNormalNumber) {
  CounterRng rng(5, RngPurpose::kSynthetic);
  constexpr int kSums = 64;
  constexpr int kPairs = 4;
  // Exponents around -63, so that products are around 2^-126; a few of any
  // kind.
  const auto values = [&rng](std::size_t count) {
    naive::Vector any = AnyFloats(rng, 2 * count);
    Parameters pairs;
    for (std::size_t i = 0; i < count; ++i) {
      for (float& value : {std::ref(any[2 * i]), std::ref(any[2 * i + 1])}) {
        if (rng.Below(64) == 0) continue;
        const double size =
            std::ldexp(1 + rng.Uniform(), -RandomInt(rng, 58, 68));
        value = static_cast<float>(rng.Below(2) == 0 ? size : -size);
      }
      pairs.push_back(Bfloat16Pair(any[2 * i], any[2 * i + 1]));
    }
    return pairs;
  };
  for (int n = 0; n < 50; ++n) {
    const Parameters in = values(kSums * kPairs);
    const Parameters weights = values(kPairs * kChannelBlock);
    Parameters start(kSums * kChannelBlock);
    for (float& value : start) {
      value = static_cast<float>(
          std::ldexp(rng.Uniform() - 0.5, -RandomInt(rng, 120, 132)));
    }
    std::vector<std::uint32_t> first;
    for (const Isa isa : SupportedIsas()) {
      if (!HasPortableBits(isa)) continue;
      Parameters out = start;
      const ConvRun run{0, 0, kPairs};
      ConvTask task;
      task.height = 4;
      task.width = kSums / 4;
      task.in = in.data();
      task.in_pixel = kPairs;
      task.in_row = kPairs * task.width;
      task.out = out.data();
      task.out_pixel = kChannelBlock;
      task.out_row = kChannelBlock * std::ptrdiff_t{task.width};
      task.runs = &run;
      task.run_count = 1;
      task.blocks = 1;
      task.weights = weights.data();
      task.accumulate = true;
      KernelsFor(isa).conv_pairs(task);
      std::vector<std::uint32_t> bits;
      for (const float value : out) {
        bits.push_back(std::isnan(value) ? 0x7fc00000u
                                         : std::bit_cast<std::uint32_t>(value));
      }
      if (first.empty()) first = bits;
      EXPECT_EQ(bits, first) << ToString(isa);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, Bfloat16Conv2dTest,
                         ::testing::ValuesIn(SupportedIsas()), IsaTestName);

}  // namespace
}  // namespace fedgap::kernels
