#include "common/base/portable_math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace fedgap {
namespace {

// ln 2 in two parts: the high one has 21 trailing zero bits, so that k * high
// is exact for every exponent k.
constexpr double kLn2High = 0x1.62e42feep-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// 2^k for k in [-1022, 1023].
double PowerOfTwo(int k) {
  return std::bit_cast<double>(static_cast<std::uint64_t>(k + 1023) << 52);
}

}  // namespace

double PortableExp(double x) {
  if (std::isnan(x)) return x;
  if (x > 709.782712893384) return kInfinity;
  if (x < -745.2) return 0.0;
  const double k = std::nearbyint(x * 0x1.71547652b82fep0);
  const double r = std::fma(-k, kLn2Low, std::fma(-k, kLn2High, x));
  // Taylor series to r^13: |r| <= ln2/2, remainder under 2^-57.
  double sum = 1.0;
  for (int n = 13; n >= 1; --n) sum = std::fma(r / n, sum, 1.0);
  // Two factors, so that subnormal results round once at the end.
  const int exponent = static_cast<int>(k);
  const int half = exponent / 2;
  return sum * PowerOfTwo(half) * PowerOfTwo(exponent - half);
}

double PortableLog(double x) {
  if (std::isnan(x)) return x;
  if (x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -kInfinity;
  if (x == kInfinity) return x;
  int exponent = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1p54;
    exponent = -54;
  }
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  exponent += static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000fffffffffffffULL) |
                                   0x3ff0000000000000ULL);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| <= 0.1716.
  const double s = (m - 1) / (m + 1);
  const double s2 = s * s;
  double series = 0;
  for (int n = 23; n >= 3; n -= 2) series = std::fma(series, s2, 1.0 / n);
  const double log_m = std::fma(2 * s * s2, series, 2 * s);
  return std::fma(exponent, kLn2High, std::fma(exponent, kLn2Low, log_m));
}

double PortablePow(double x, double y) {
  return PortableExp(y * PortableLog(x));
}

double PortableCos(double x) {
  // Reduce by pi in two parts; cos(r + k pi) = (-1)^k cos r.
  constexpr double kPiHigh = 0x1.921fb544p1;
  constexpr double kPiLow = 0x1.0b4611a626331p-33;
  const double k = std::nearbyint(x * 0x1.45f306dc9c883p-2);
  const double r = std::fma(-k, kPiLow, std::fma(-k, kPiHigh, x));
  const double r2 = r * r;
  double sum = 1.0;
  for (int n = 26; n >= 2; n -= 2)
    sum = std::fma(-r2 / (n * (n - 1)), sum, 1.0);
  const bool odd = std::fmod(k, 2.0) != 0;
  return odd ? -sum : sum;
}

}  // namespace fedgap
