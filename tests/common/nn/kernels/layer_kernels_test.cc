// ReLU, add, pooling and sums against their naive twins.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/common/nn/kernels/kernel_matchers.h"
#include "tests/common/nn/kernels/map_buffer.h"

namespace fedgap::kernels {
namespace {

using LayerKernelsTest = KernelTest;

naive::Image SomeImage(CounterRng& rng) {
  return RandomImage(rng, RandomInt(rng, 1, 7), RandomInt(rng, 1, 11),
                     RandomInt(rng, 1, 40));
}

TEST_P(LayerKernelsTest, ReluAndItsGradientAgreeWithTheirTwins) {
  CounterRng rng(1, RngPurpose::kSynthetic);
  for (int n = 0; n < 20; ++n) {
    naive::Image image = SomeImage(rng);
    image.values[0] = 0.0f;
    const naive::Image d = RandomLike(rng, image);
    const MapBuffer in(image, kSomeBorder);
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

TEST_P(LayerKernelsTest, ReluKeepsNanAndTheSignOfZero) {
  naive::Image image(1, 1, 4);
  image.values = {std::numeric_limits<float>::quiet_NaN(), -1.0f, -0.0f, 0.0f};
  const MapBuffer in(image);
  MapBuffer out(1, 1, 4);
  kernels().relu(in.map(), out.map());
  const naive::Vector values = out.image().values;
  EXPECT_TRUE(std::isnan(values[0]));
  EXPECT_EQ(values[1], 0.0f);
  for (std::size_t i = 1; i < 4; ++i) {
    EXPECT_EQ(std::signbit(values[i]), i == 2) << i;
  }
}

TEST_P(LayerKernelsTest, AddsAndCopiesMaps) {
  CounterRng rng(2, RngPurpose::kSynthetic);
  for (int n = 0; n < 10; ++n) {
    const naive::Image a = SomeImage(rng);
    const naive::Image b = RandomLike(rng, a);
    const MapBuffer left(a, kSomeBorder);
    const MapBuffer right(b);
    MapBuffer out(a.height, a.width, a.channels, kSomeBorder);
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
    const naive::Image d = RandomLike(rng, expected.out);
    const MapBuffer in(image, kSomeBorder);
    const MapBuffer out_gradient(d, kSomeBorder);
    MapBuffer out(d.height, d.width, d.channels, kSomeBorder);
    MapBuffer gradient(image.height, image.width, image.channels, kSomeBorder);
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
  const naive::Image d = RandomLike(rng, forward.out);
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
    const MapBuffer in(image, kSomeBorder);
    Parameters sums(static_cast<std::size_t>(in.map().pixel_stride));
    const auto channels = static_cast<std::size_t>(image.channels);
    naive::Vector expected = naive::ChannelSums(image);
    kernels().channel_sums(in.map(), false, sums.data());
    EXPECT_TRUE(SameValues(isa(), {sums.data(), channels}, expected));
  }
}

TEST_P(LayerKernelsTest, BroadcastsWhereTheMaskIsPositive) {
  CounterRng rng(8, RngPurpose::kSynthetic);
  const naive::Image mask = RandomImage(rng, 3, 5, 20);
  const naive::Vector values = RandomVector(rng, 20);
  Parameters padded(32);
  std::copy(values.begin(), values.end(), padded.begin());
  const MapBuffer mask_map(mask, kSomeBorder);
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
