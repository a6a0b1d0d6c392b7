#include "common/base/portable_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fedgap {
namespace {

double RelativeError(double got, long double want) {
  return static_cast<double>(std::fabs((got - want) / want));
}

TEST(PortableMathTest, ExpAgreesWithLongDoubleOverItsRange) {
  for (double x = -708; x < 709; x += 0.0317) {
    ASSERT_LT(RelativeError(PortableExp(x), expl(x)), 0x1p-50) << x;
  }
  EXPECT_EQ(PortableExp(0), 1);
  EXPECT_EQ(PortableExp(1000), std::numeric_limits<double>::infinity());
  EXPECT_EQ(PortableExp(-1000), 0);
  EXPECT_NEAR(PortableExp(-740) / static_cast<double>(expl(-740)), 1, 0.05);
  EXPECT_TRUE(std::isnan(PortableExp(NAN)));
}

TEST(PortableMathTest, LogAgreesWithLongDoubleOverItsRange) {
  for (double x = 1e-320; x < 1e308; x *= 1.37) {
    ASSERT_LT(RelativeError(PortableLog(x), logl(x)), 0x1p-50) << x;
  }
  for (double x = 0.5; x < 2; x += 0.000317) {
    if (std::fabs(x - 1) < 1e-9) continue;
    ASSERT_LT(RelativeError(PortableLog(x), logl(x)), 0x1p-50) << x;
  }
  EXPECT_EQ(PortableLog(1), 0);
  EXPECT_EQ(PortableLog(0), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(PortableLog(-1)));
}

TEST(PortableMathTest, PowAgreesWithLongDouble) {
  for (double x = 0.01; x < 100; x *= 1.7) {
    for (double y = -20; y < 20; y += 0.7) {
      ASSERT_LT(RelativeError(PortablePow(x, y), powl(x, y)), 0x1p-40);
    }
  }
}

TEST(PortableMathTest, CosAgreesWithLongDouble) {
  for (double x = -100; x < 100; x += 0.0137) {
    ASSERT_NEAR(PortableCos(x), static_cast<double>(cosl(x)), 0x1p-48) << x;
  }
  EXPECT_EQ(PortableCos(0), 1);
}

}  // namespace
}  // namespace fedgap
