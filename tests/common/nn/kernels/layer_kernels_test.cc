// ReLU, add, pooling, sums and group norm against their naive twins.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "common/nn/kernels/group_norm.h"
#include "tests/common/nn/kernels/kernel_matchers.h"
#include "tests/common/nn/kernels/map_buffer.h"

namespace fedgap::kernels {
namespace {

constexpr Border kBorder = {1, 2, 0, 1};

using LayerKernelsTest = KernelTest;

naive::Image SomeImage(CounterRng& rng) {
  return RandomImage(rng, RandomInt(rng, 1, 7), RandomInt(rng, 1, 11),
                     RandomInt(rng, 1, 40));
}

naive::Image Like(CounterRng& rng, const naive::Image& image) {
  return RandomImage(rng, image.height, image.width, image.channels);
}

TEST_P(LayerKernelsTest, ReluAndItsGradientAgreeWithTheirTwins) {
  CounterRng rng(1, RngPurpose::kSynthetic);
  for (int n = 0; n < 20; ++n) {
    naive::Image image = SomeImage(rng);
    image.values[0] = 0.0f;
    const naive::Image d = Like(rng, image);
    const MapBuffer in(image, kBorder);
    const MapBuffer out_gradient(d);
    MapBuffer out(image.height, image.width, image.channels);
    kernels().relu(in.map(), out.map());
    EXPECT_TRUE(
        SameValues(isa(), out.image().values, naive::Relu(image).values));
    kernels().relu_gradient(in.map(), out_gradient.map(), false, out.map());
    const naive::Image expected = naive::ReluGradient(image, d);
    EXPECT_TRUE(SameValues(isa(), out.image().values, expected.values));
    kernels().relu_gradient(in.map(), out_gradient.map(), true, out.map());
    EXPECT_TRUE(SameValues(isa(), out.image().values,
                           naive::Add(expected, expected).values));
  }
}

TEST_P(LayerKernelsTest, ReluKeepsNanAndLetsItsGradientThrough) {
  naive::Image image(1, 1, 2);
  image.values = {std::numeric_limits<float>::quiet_NaN(), -1.0f};
  const MapBuffer in(image);
  MapBuffer out(1, 1, 2);
  kernels().relu(in.map(), out.map());
  EXPECT_TRUE(std::isnan(out.image().values[0]));
  EXPECT_EQ(out.image().values[1], 0.0f);
}

TEST_P(LayerKernelsTest, AddsAndCopiesMaps) {
  CounterRng rng(2, RngPurpose::kSynthetic);
  for (int n = 0; n < 10; ++n) {
    const naive::Image a = SomeImage(rng);
    const naive::Image b = Like(rng, a);
    const MapBuffer left(a, kBorder);
    const MapBuffer right(b);
    MapBuffer out(a.height, a.width, a.channels, kBorder);
    const naive::Image sum = naive::Add(a, b);
    kernels().add(left.map(), right.map(), false, out.map());
    EXPECT_TRUE(SameValues(isa(), out.image().values, sum.values));
    kernels().add(left.map(), right.map(), true, out.map());
    EXPECT_TRUE(SameValues(isa(), out.image().values, naive::Relu(sum).values));
    kernels().copy(left.map(), false, out.map());
    kernels().copy(right.map(), true, out.map());
    EXPECT_TRUE(SameValues(isa(), out.image().values, sum.values));
  }
}

TEST_P(LayerKernelsTest, PoolingAgreesWithItsTwins) {
  CounterRng rng(3, RngPurpose::kSynthetic);
  for (int n = 0; n < 80; ++n) {
    PoolWindow window;
    window.kernel_height = n < 40 ? 2 : RandomInt(rng, 1, 3);
    window.kernel_width = n < 40 ? 2 : RandomInt(rng, 1, 4);
    window.stride_y = n < 20 ? 2 : RandomInt(rng, 1, 3);
    window.stride_x = n < 20 ? 2 : RandomInt(rng, 1, 3);
    window.padding_y = n < 20 ? 0 : RandomInt(rng, 0, window.kernel_height / 2);
    window.padding_x = n < 20 ? 0 : RandomInt(rng, 0, window.kernel_width / 2);
    naive::Image image = RandomImage(rng, RandomInt(rng, 3, 9),
                                     RandomInt(rng, 4, 9), 1 + n % 37);
    // Ties.
    for (float& value : image.values) value = std::round(3 * value);
    const naive::MaxPoolResult expected = naive::MaxPool(window, image);
    const naive::Image d = Like(rng, expected.out);
    const MapBuffer in(image, kBorder);
    const MapBuffer out_gradient(d, kBorder);
    MapBuffer out(d.height, d.width, d.channels, kBorder);
    MapBuffer gradient(image.height, image.width, image.channels, kBorder);
    std::vector<std::int32_t, AlignedAllocator<std::int32_t>> winners(
        static_cast<std::size_t>(out.map().pixels() * out.map().pixel_stride));

    kernels().max_pool(window, in.map(), out.map(), winners.data());
    EXPECT_TRUE(SameValues(isa(), out.image().values, expected.out.values));
    kernels().max_pool_gradient(window, out_gradient.map(), winners.data(),
                                nullptr, false, gradient.map());
    const naive::Image expected_gradient =
        naive::MaxPoolGradient(window, image, expected, d);
    EXPECT_TRUE(
        SameValues(isa(), gradient.image().values, expected_gradient.values));
    kernels().max_pool_gradient(window, out_gradient.map(), winners.data(),
                                &out.map(), false, gradient.map());
    const naive::Image masked = naive::ReluGradient(expected.out, d);
    EXPECT_TRUE(SameValues(
        isa(), gradient.image().values,
        naive::MaxPoolGradient(window, image, expected, masked).values));

    kernels().avg_pool(window, in.map(), out.map());
    EXPECT_TRUE(SameValues(isa(), out.image().values,
                           naive::AvgPool(window, image).values));
    kernels().avg_pool_gradient(window, out_gradient.map(), false,
                                gradient.map());
    EXPECT_TRUE(SameValues(isa(), gradient.image().values,
                           naive::AvgPoolGradient(window, image, d).values));
  }
}

TEST_P(LayerKernelsTest, PoolGradientsAddToWhatIsThere) {
  CounterRng rng(4, RngPurpose::kSynthetic);
  const PoolWindow window{2, 2, 2, 2, 0, 0};
  const naive::Image image = RandomImage(rng, 5, 4, 3);
  const naive::MaxPoolResult forward = naive::MaxPool(window, image);
  const naive::Image d = Like(rng, forward.out);
  const MapBuffer in(image);
  const MapBuffer out_gradient(d);
  MapBuffer out(2, 2, 3);
  std::vector<std::int32_t, AlignedAllocator<std::int32_t>> winners(2 * 2 * 16);
  kernels().max_pool(window, in.map(), out.map(), winners.data());
  const MapBuffer gradient(image);
  kernels().max_pool_gradient(window, out_gradient.map(), winners.data(),
                              nullptr, true, gradient.map());
  EXPECT_TRUE(SameValues(
      isa(), gradient.image().values,
      naive::Add(image, naive::MaxPoolGradient(window, image, forward, d))
          .values));
  const MapBuffer average(image);
  kernels().avg_pool_gradient(window, out_gradient.map(), true, average.map());
  EXPECT_TRUE(SameValues(
      isa(), average.image().values,
      naive::Add(image, naive::AvgPoolGradient(window, image, d)).values));
}

TEST_P(LayerKernelsTest, ChannelSumsFollowTheirFixedOrder) {
  CounterRng rng(5, RngPurpose::kSynthetic);
  for (int n = 0; n < 20; ++n) {
    const naive::Image image = SomeImage(rng);
    const MapBuffer in(image, kBorder);
    Parameters sums(static_cast<std::size_t>(in.map().pixel_stride));
    const auto channels = static_cast<std::size_t>(image.channels);
    naive::Vector expected = naive::ChannelSums(image);
    kernels().channel_sums(in.map(), false, sums.data());
    EXPECT_TRUE(SameValues(isa(), {sums.data(), channels}, expected));
  }
}

TEST_P(LayerKernelsTest, GroupNormAgreesWithItsTwin) {
  CounterRng rng(6, RngPurpose::kSynthetic);
  for (int n = 0; n < 20; ++n) {
    const int groups = RandomInt(rng, 1, 4);
    const int channels = groups * RandomInt(rng, 1, 9);
    const naive::Image image =
        RandomImage(rng, RandomInt(rng, 2, 9), RandomInt(rng, 2, 9), channels);
    const auto count = static_cast<std::size_t>(channels);
    const naive::Vector scale = RandomVector(rng, count);
    const naive::Vector shift = RandomVector(rng, count);
    const GroupNorm norm({.channels = channels, .groups = groups});
    const MapBuffer in(image, kBorder);
    MapBuffer out(image.height, image.width, channels);
    Parameters state(norm.state_elements());
    norm.Forward(kernels(), in.map(), scale.data(), shift.data(), state.data(),
                 out.map());
    const naive::Image expected =
        naive::GroupNorm(image, groups, 1e-5, scale, shift);
    const naive::Image actual = out.image();
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      ASSERT_NEAR(actual.values[i], expected.values[i], 2e-5) << i;
    }
  }
}

struct NormGradients {
  naive::Image in;
  naive::Vector scale;
  naive::Vector shift;
};

NormGradients GradientsOf(const Kernels& kernels,
                          const GroupNorm::Options& options,
                          const naive::Image& image, const naive::Image& d,
                          const naive::Vector& scale,
                          const naive::Vector& shift) {
  const GroupNorm norm(options);
  const MapBuffer in(image);
  const MapBuffer out_gradient(d, kBorder);
  MapBuffer out(image.height, image.width, image.channels);
  MapBuffer gradient(image.height, image.width, image.channels, kBorder);
  Parameters state(norm.state_elements());
  NormGradients result;
  result.scale.resize(scale.size());
  result.shift.resize(shift.size());
  norm.Forward(kernels, in.map(), scale.data(), shift.data(), state.data(),
               out.map());
  GroupNorm::BackwardArgs args;
  args.in = in.map();
  args.out_gradient = out_gradient.map();
  args.scale = scale.data();
  args.state = state.data();
  args.scale_gradient = result.scale.data();
  args.shift_gradient = result.shift.data();
  args.in_gradient = gradient.map();
  norm.Backward(kernels, args);
  result.in = gradient.image();
  return result;
}

TEST_P(LayerKernelsTest, GroupNormGradientAgreesWithFiniteDifferences) {
  CounterRng rng(7, RngPurpose::kSynthetic);
  const naive::Image image = RandomImage(rng, 3, 5, 6);
  const naive::Image d = Like(rng, image);
  const naive::Vector scale = RandomVector(rng, 6);
  const naive::Vector shift = RandomVector(rng, 6);
  const auto loss = [&](const naive::Image& x, const naive::Vector& a,
                        const naive::Vector& b) {
    const naive::Image y = naive::GroupNorm(x, 2, 1e-5, a, b);
    double sum = 0;
    for (std::size_t i = 0; i < y.values.size(); ++i) {
      sum += double{y.values[i]} * double{d.values[i]};
    }
    return sum;
  };
  const NormGradients actual = GradientsOf(
      kernels(), {.channels = 6, .groups = 2}, image, d, scale, shift);
  const float step = 1e-3f;
  for (std::size_t i = 0; i < image.values.size(); ++i) {
    naive::Image up = image;
    naive::Image down = image;
    up.values[i] += step;
    down.values[i] -= step;
    const double numeric =
        (loss(up, scale, shift) - loss(down, scale, shift)) / 2e-3;
    ASSERT_NEAR(double{actual.in.values[i]}, numeric, 2e-3) << i;
  }
  const double base = loss(image, scale, shift);
  for (std::size_t c = 0; c < 6; ++c) {
    naive::Vector up = scale;
    up[c] += step;
    ASSERT_NEAR(double{actual.scale[c]}, (loss(image, up, shift) - base) / 1e-3,
                2e-3);
    up = shift;
    up[c] += step;
    ASSERT_NEAR(double{actual.shift[c]}, (loss(image, scale, up) - base) / 1e-3,
                2e-3);
  }
}

TEST_P(LayerKernelsTest, GroupNormWithReluIsGroupNormThenRelu) {
  CounterRng rng(9, RngPurpose::kSynthetic);
  const naive::Image image = RandomImage(rng, 4, 7, 20);
  const naive::Vector scale = RandomVector(rng, 20);
  const naive::Vector shift = RandomVector(rng, 20);
  const naive::Image d = Like(rng, image);
  const MapBuffer in(image);
  MapBuffer plain(4, 7, 20);
  MapBuffer fused(4, 7, 20);
  const GroupNorm::Options options{.channels = 20, .groups = 4};
  GroupNorm::Options with_relu = options;
  with_relu.relu = true;
  Parameters state(GroupNorm(options).state_elements());
  GroupNorm(options).Forward(kernels(), in.map(), scale.data(), shift.data(),
                             state.data(), plain.map());
  GroupNorm(with_relu).Forward(kernels(), in.map(), scale.data(), shift.data(),
                               state.data(), fused.map());
  EXPECT_EQ(fused.image().values, naive::Relu(plain.image()).values);

  const NormGradients actual =
      GradientsOf(kernels(), with_relu, image, d, scale, shift);
  const NormGradients expected =
      GradientsOf(kernels(), options, image,
                  naive::ReluGradient(plain.image(), d), scale, shift);
  EXPECT_EQ(actual.in.values, expected.in.values);
  EXPECT_EQ(actual.scale, expected.scale);
  EXPECT_EQ(actual.shift, expected.shift);
}

TEST_P(LayerKernelsTest, BroadcastsWhereTheMaskIsPositive) {
  CounterRng rng(8, RngPurpose::kSynthetic);
  const naive::Image mask = RandomImage(rng, 3, 5, 20);
  const naive::Vector values = RandomVector(rng, 20);
  Parameters padded(32);
  std::copy(values.begin(), values.end(), padded.begin());
  const MapBuffer mask_map(mask, kBorder);
  MapBuffer out(3, 5, 20);
  kernels().broadcast(padded.data(), &mask_map.map(), false, out.map());
  naive::Image expected(3, 5, 20);
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    expected.values[i] = mask.values[i] <= 0 ? 0 : values[i % 20];
  }
  EXPECT_TRUE(SameValues(isa(), out.image().values, expected.values));
  kernels().broadcast(padded.data(), nullptr, true, out.map());
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    expected.values[i] += values[i % 20];
  }
  EXPECT_TRUE(SameValues(isa(), out.image().values, expected.values));
}

INSTANTIATE_TEST_SUITE_P(Isas, LayerKernelsTest,
                         ::testing::ValuesIn(SupportedIsas()), IsaTestName);

}  // namespace
}  // namespace fedgap::kernels
