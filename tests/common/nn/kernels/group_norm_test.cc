// Group norm, with what is fused behind it, against its naive twin and against
// its parts.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "common/nn/kernels/group_norm.h"
#include "tests/common/nn/kernels/kernel_matchers.h"
#include "tests/common/nn/kernels/map_buffer.h"

namespace fedgap::kernels {
namespace {

using GroupNormTest = KernelTest;
using Places = std::vector<std::int32_t, AlignedAllocator<std::int32_t>>;

// The winners of a pooled map.
class WinnersBuffer {
 public:
  explicit WinnersBuffer(const FeatureMap& pooled)
      : inputs_(pooled.height, pooled.width, pooled.channels),
        places_(
            static_cast<std::size_t>(pooled.pixels() * pooled.pixel_stride)) {}

  NormWinners view() { return {inputs_.map(), places_.data()}; }
  const Places& places() const { return places_; }

 private:
  MapBuffer inputs_;
  Places places_;
};

TEST_P(GroupNormTest, AgreesWithItsTwin) {
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
    const MapBuffer in(image, kSomeBorder);
    MapBuffer out(image.height, image.width, channels);
    Parameters state(norm.state_elements());
    norm.Forward(
        kernels(),
        {in.map(), scale.data(), shift.data(), state.data(), {}, out.map()});
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

// `d` is the gradient of what comes out, pooled if the norm pools.
NormGradients GradientsOf(const Kernels& kernels,
                          const GroupNorm::Options& options,
                          const naive::Image& image, const naive::Image& d,
                          const naive::Vector& scale,
                          const naive::Vector& shift) {
  const GroupNorm norm(options);
  const MapBuffer in(image);
  const MapBuffer out_gradient(d, kSomeBorder);
  MapBuffer out(d.height, d.width, image.channels);
  WinnersBuffer winners(out.map());
  MapBuffer gradient(image.height, image.width, image.channels, kSomeBorder);
  Parameters state(norm.state_elements());
  NormGradients result;
  result.scale.resize(scale.size());
  result.shift.resize(shift.size());
  norm.Forward(kernels, {in.map(), scale.data(), shift.data(), state.data(),
                         winners.view(), out.map()});
  GroupNorm::BackwardArgs args;
  args.in = in.map();
  args.out_gradient = out_gradient.map();
  args.scale = scale.data();
  args.state = state.data();
  args.winners = winners.view();
  args.scale_gradient = result.scale.data();
  args.shift_gradient = result.shift.data();
  args.in_gradient = gradient.map();
  norm.Backward(kernels, args);
  result.in = gradient.image();
  return result;
}

TEST_P(GroupNormTest, ItsGradientAgreesWithFiniteDifferences) {
  CounterRng rng(7, RngPurpose::kSynthetic);
  const naive::Image image = RandomImage(rng, 3, 5, 6);
  const naive::Image d = RandomLike(rng, image);
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

TEST_P(GroupNormTest, WithReluIsTheNormThenRelu) {
  CounterRng rng(9, RngPurpose::kSynthetic);
  const naive::Image image = RandomImage(rng, 4, 7, 20);
  const naive::Vector scale = RandomVector(rng, 20);
  const naive::Vector shift = RandomVector(rng, 20);
  const naive::Image d = RandomLike(rng, image);
  const MapBuffer in(image);
  MapBuffer plain(4, 7, 20);
  MapBuffer fused(4, 7, 20);
  const GroupNorm::Options options{.channels = 20, .groups = 4};
  GroupNorm::Options with_relu = options;
  with_relu.relu = true;
  Parameters state(GroupNorm(options).state_elements());
  const auto forward = [&](const GroupNorm& norm, const FeatureMap& out) {
    norm.Forward(kernels(),
                 {in.map(), scale.data(), shift.data(), state.data(), {}, out});
  };
  forward(GroupNorm(options), plain.map());
  forward(GroupNorm(with_relu), fused.map());
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

// A norm with a pool behind it: images that the windows cover and others.
struct PooledCase {
  GroupNorm::Options options;  // with the pool
  naive::Image image;
  naive::Image d;
  naive::Vector scale;
  naive::Vector shift;

  explicit PooledCase(CounterRng& rng, int n)
      : options{.groups = RandomInt(rng, 1, 3), .relu = n % 2 == 0} {
    options.channels = options.groups * RandomInt(rng, 1, 9);
    const int height = n < 16 ? 2 : RandomInt(rng, 1, 3);
    const int width = n < 16 ? 2 : RandomInt(rng, 1, 4);
    options.max_pool = PoolWindow{height, width, height, width, 0, 0};
    image = RandomImage(rng, RandomInt(rng, 3, 9), RandomInt(rng, 4, 11),
                        options.channels);
    // Ties.
    for (float& value : image.values) value = std::round(4 * value) / 4;
    d = RandomImage(rng, image.height / height, image.width / width,
                    options.channels);
    const auto channels = static_cast<std::size_t>(options.channels);
    scale = RandomVector(rng, channels);
    shift = RandomVector(rng, channels);
  }

  GroupNorm::Options without_pool() const {
    GroupNorm::Options rest = options;
    rest.max_pool.reset();
    return rest;
  }
  const PoolWindow& window() const { return *options.max_pool; }
};

TEST_P(GroupNormTest, WithMaxPoolIsTheNormThenMaxPool) {
  CounterRng rng(10, RngPurpose::kSynthetic);
  for (int n = 0; n < 40; ++n) {
    const PooledCase c(rng, n);
    const MapBuffer in(c.image, kSomeBorder);
    MapBuffer whole(c.image.height, c.image.width, c.image.channels);
    MapBuffer pooled(c.d.height, c.d.width, c.d.channels);
    MapBuffer fused(c.d.height, c.d.width, c.d.channels, kSomeBorder);
    WinnersBuffer winners(fused.map());
    Places expected(winners.places().size());
    Parameters state(GroupNorm(c.options).state_elements());
    const auto forward = [&](const GroupNorm& norm, const NormWinners& kept,
                             const FeatureMap& out) {
      norm.Forward(kernels(), {in.map(), c.scale.data(), c.shift.data(),
                               state.data(), kept, out});
    };
    forward(GroupNorm(c.without_pool()), {}, whole.map());
    kernels().max_pool(c.window(), whole.map(), pooled.map(), expected.data());
    forward(GroupNorm(c.options), winners.view(), fused.map());
    EXPECT_EQ(fused.image().values, pooled.image().values);
    MapBuffer unkept(c.d.height, c.d.width, c.d.channels);
    forward(GroupNorm(c.options), {}, unkept.map());
    EXPECT_EQ(unkept.image().values, pooled.image().values);

    // The sums run over fewer pixels, in another order.
    MapBuffer d_of_whole(c.image.height, c.image.width, c.image.channels);
    const MapBuffer d(c.d);
    kernels().max_pool_gradient(c.window(), d.map(), expected.data(), nullptr,
                                false, d_of_whole.map());
    const NormGradients parts =
        GradientsOf(kernels(), c.without_pool(), c.image, d_of_whole.image(),
                    c.scale, c.shift);
    const NormGradients actual =
        GradientsOf(kernels(), c.options, c.image, c.d, c.scale, c.shift);
    for (std::size_t i = 0; i < parts.in.values.size(); ++i) {
      ASSERT_NEAR(actual.in.values[i], parts.in.values[i], 2e-5) << i;
    }
    for (std::size_t i = 0; i < parts.scale.size(); ++i) {
      ASSERT_NEAR(actual.scale[i], parts.scale[i], 2e-5) << i;
      ASSERT_NEAR(actual.shift[i], parts.shift[i], 2e-5) << i;
    }
  }
}

TEST_P(GroupNormTest, TheGradientThroughAPoolHasTheBitsOfItsParts) {
  CounterRng rng(11, RngPurpose::kSynthetic);
  for (int n = 0; n < 40; ++n) {
    const PooledCase c(rng, n);
    const auto stride = static_cast<std::size_t>(PadChannels(c.d.channels));
    Parameters rows(5 * stride);
    for (float& value : rows) value = static_cast<float>(rng.Uniform() - 0.5);
    const NormChannels norm{rows.data(), rows.data() + stride,
                            rows.data() + 2 * stride};
    const float* slope = rows.data() + 3 * stride;
    const float* offset = rows.data() + 4 * stride;
    const MapBuffer in(c.image, kSomeBorder);
    const MapBuffer d(c.d, kSomeBorder);
    MapBuffer whole(c.image.height, c.image.width, c.image.channels);
    MapBuffer pooled(c.d.height, c.d.width, c.d.channels);
    WinnersBuffer winners(pooled.map());
    Places places(winners.places().size());
    const bool relu = c.options.relu;
    const NormPool pool{c.window(), winners.view()};
    kernels().channel_affine(in.map(), norm, relu, whole.map());
    kernels().max_pool(c.window(), whole.map(), pooled.map(), places.data());
    kernels().norm_max_pool(in.map(), norm, relu, pool, pooled.map());
    for (const bool accumulate : {false, true}) {
      const MapBuffer expected(c.image);
      const MapBuffer actual(c.image, kSomeBorder);
      kernels().max_pool_gradient(c.window(), d.map(), places.data(), nullptr,
                                  false, whole.map());
      kernels().norm_gradient(in.map(), whole.map(), norm, relu, slope, offset,
                              accumulate, expected.map());
      kernels().norm_max_pool_gradient({in.map(), d.map(), norm, relu, slope,
                                        offset, pool, accumulate,
                                        actual.map()});
      EXPECT_TRUE(
          SameValues(isa(), actual.image().values, expected.image().values));
    }
  }
}

TEST_P(GroupNormTest, ANanWinsItsWindowOnlyIfItComesFirst) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  naive::Image image(2, 4, 1);
  image.values = {nan,  1.0f, 2.0f, nan,  //
                  2.0f, 3.0f, 1.0f, 3.0f};
  Parameters ones(16, 1.0f);
  Parameters zeros(16, 0.0f);
  const MapBuffer in(image);
  MapBuffer out(1, 2, 1);
  WinnersBuffer winners(out.map());
  const NormPool pool{{2, 2, 2, 2, 0, 0}, winners.view()};
  for (const bool relu : {false, true}) {
    kernels().norm_max_pool(in.map(), {zeros.data(), ones.data(), zeros.data()},
                            relu, pool, out.map());
    EXPECT_TRUE(std::isnan(out.image().values[0]));
    EXPECT_EQ(out.image().values[1], 3.0f);
    EXPECT_EQ(winners.places()[0], 0);
    EXPECT_EQ(winners.places()[16], 3);
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, GroupNormTest,
                         ::testing::ValuesIn(SupportedIsas()), IsaTestName);

}  // namespace
}  // namespace fedgap::kernels
