#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/common/nn/kernels/kernel_matchers.h"
#include "tests/common/nn/kernels/map_buffer.h"
#include "tests/testing/status_matchers.h"

namespace fedgap::kernels {
namespace {

using ::testing::HasSubstr;
using VectorKernelsTest = KernelTest;

// The distance of `actual` from the exact value in units of the last place of
// the correctly rounded one.
double UlpError(float actual, long double exact) {
  const auto rounded = static_cast<float>(exact);
  if (actual == rounded) return 0;
  const float next =
      std::nextafter(std::fabs(rounded), std::numeric_limits<float>::max());
  const double ulp = double{next} - double{std::fabs(rounded)};
  return std::fabs(static_cast<double>(actual - exact)) / ulp;
}

TEST_P(VectorKernelsTest, ExpStaysWithinItsErrorBoundOverTheFloatRange) {
  std::vector<float> x;
  // Every 4,099th float between -104 and 88.72, both signs.
  for (std::uint32_t bits = 0; bits < 0x42d00000; bits += 4099) {
    const auto value = std::bit_cast<float>(bits);
    x.push_back(-value);
    if (value < 88.72f) x.push_back(value);
  }
  std::vector<float> y(x.size());
  kernels().exp(static_cast<std::ptrdiff_t>(x.size()), x.data(), y.data());
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double error =
        UlpError(y[i], std::exp(static_cast<long double>(x[i])));
    worst = std::max(worst, error);
  }
  // Without fused multiply-add the reduction rounds once more.
  EXPECT_LT(worst, HasPortableBits(isa()) ? 1.0 : 1.5);
}

TEST_P(VectorKernelsTest, ExpHasItsLimits) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x = {0,     -infinity, infinity, -104.5f,
                                89.0f, 1e30f,     -1e30f,   NAN};
  std::vector<float> y(x.size());
  kernels().exp(static_cast<std::ptrdiff_t>(x.size()), x.data(), y.data());
  EXPECT_EQ(y[0], 1.0f);
  EXPECT_EQ(y[1], 0.0f);
  EXPECT_EQ(y[2], infinity);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_EQ(y[4], infinity);
  EXPECT_EQ(y[5], infinity);
  EXPECT_EQ(y[6], 0.0f);
  EXPECT_TRUE(std::isnan(y[7]));
}

TEST_P(VectorKernelsTest, SgdAgreesWithItsFormulaForEveryTail) {
  CounterRng rng(1, RngPurpose::kSynthetic);
  for (std::size_t count = 1; count < 40; ++count) {
    for (const bool nesterov : {false, true}) {
      const naive::Vector gradient = RandomVector(rng, count);
      naive::Vector velocity = RandomVector(rng, count);
      naive::Vector parameters = RandomVector(rng, count);
      naive::Vector expected_velocity = velocity;
      naive::Vector expected = parameters;
      for (std::size_t i = 0; i < count; ++i) {
        const float g = std::fma(0.01f, expected[i], gradient[i]);
        const float v = std::fma(0.9f, velocity[i], g);
        expected_velocity[i] = v;
        const float step = nesterov ? std::fma(0.9f, v, g) : v;
        expected[i] = std::fma(-0.1f, step, expected[i]);
      }
      SgdTask task;
      task.elements = static_cast<std::ptrdiff_t>(count);
      task.gradient = gradient.data();
      task.velocity = velocity.data();
      task.parameters = parameters.data();
      task.learning_rate = 0.1f;
      task.momentum = 0.9f;
      task.weight_decay = 0.01f;
      task.nesterov = nesterov;
      kernels().sgd(task);
      EXPECT_TRUE(SameValues(isa(), parameters, expected));
      EXPECT_TRUE(SameValues(isa(), velocity, expected_velocity));
    }
  }
}

TEST_P(VectorKernelsTest, AddsVectors) {
  CounterRng rng(2, RngPurpose::kSynthetic);
  for (std::size_t count = 1; count < 40; ++count) {
    const naive::Vector from = RandomVector(rng, count);
    naive::Vector to = RandomVector(rng, count);
    naive::Vector expected = to;
    for (std::size_t i = 0; i < count; ++i) expected[i] += from[i];
    kernels().add_vectors(static_cast<std::ptrdiff_t>(count), from.data(),
                          to.data());
    EXPECT_TRUE(SameValues(isa(), to, expected));
  }
}

TEST(IsaTest, NamesRoundTripAndUnknownOnesAreRefused) {
  for (const Isa isa : SupportedIsas()) {
    const StatusOr<Isa> parsed = IsaFromString(ToString(isa));
    ASSERT_TRUE(parsed.ok());
    EXPECT_EQ(*parsed, isa);
  }
  const StatusOr<Isa> unknown = IsaFromString("mmx");
  EXPECT_EQ(unknown.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(MessageOf(unknown.status()).find("this CPU has: "),
            std::string::npos);
}

TEST(IsaTest, DescriptionSaysWhetherTheBitsAreThoseOfOtherCpus) {
  EXPECT_THAT(DescribeIsa(Isa::kScalar), HasSubstr("WITHOUT fused"));
  EXPECT_THAT(DescribeIsa(Isa::kScalar), HasSubstr("slow"));
  EXPECT_THAT(DescribeIsa(BestIsa()),
              HasSubstr(std::string(ToString(BestIsa()))));
  for (const Isa isa : SupportedIsas()) {
    if (!HasPortableBits(isa)) continue;
    EXPECT_THAT(DescribeIsa(isa), HasSubstr("of every CPU with fused"));
    EXPECT_THAT(
        DescribeIsa(isa),
        HasSubstr(isa == Isa::kAvx512Bf16 ? "mixed precision: two products"
                                          : "mixed precision: the same bits"));
  }
}

INSTANTIATE_TEST_SUITE_P(Isas, VectorKernelsTest,
                         ::testing::ValuesIn(SupportedIsas()), IsaTestName);

}  // namespace
}  // namespace fedgap::kernels
