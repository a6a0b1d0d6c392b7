#include "common/tensor/span_math.h"

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <limits>

#include "common/base/check.h"

namespace fedgap {
namespace {

using ConstArray = Eigen::Map<const Eigen::ArrayXf>;
using Array = Eigen::Map<Eigen::ArrayXf>;

ConstArray View(std::span<const float> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}
Array View(std::span<float> x) {
  return {x.data(), static_cast<Eigen::Index>(x.size())};
}

constexpr std::size_t kLanes = 16;

}  // namespace

void Subtract(std::span<const float> a, std::span<const float> b,
              std::span<float> out) {
  FEDGAP_CHECK(a.size() == b.size() && a.size() == out.size());
  View(out) = View(a) - View(b);
}

void Axpy(float alpha, std::span<const float> x, std::span<float> y) {
  FEDGAP_CHECK(x.size() == y.size());
  View(y) += alpha * View(x);
}

void Scale(float alpha, std::span<float> x) { View(x) *= alpha; }

double Dot(std::span<const float> a, std::span<const float> b) {
  FEDGAP_CHECK(a.size() == b.size());
  // Not Eigen's: its order of sums follows the width of the vectors.
  std::array<double, kLanes> lanes{};
  std::size_t i = 0;
  for (; i + kLanes <= a.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += double{a[i + lane]} * double{b[i + lane]};
    }
  }
  for (std::size_t lane = 0; i < a.size(); ++i, ++lane) {
    lanes[lane] += double{a[i]} * double{b[i]};
  }
  for (std::size_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::size_t lane = 0; lane < width; ++lane) {
      lanes[lane] += lanes[lane + width];
    }
  }
  return lanes[0];
}

double SquaredNorm(std::span<const float> x) { return Dot(x, x); }

double Norm(std::span<const float> x) { return std::sqrt(SquaredNorm(x)); }

float MaxAbs(std::span<const float> x) {
  float largest = 0;
  bool finite = true;
  for (const float value : x) {
    const float magnitude = std::fabs(value);
    finite &= magnitude <= std::numeric_limits<float>::max();
    largest = magnitude > largest ? magnitude : largest;
  }
  return finite ? largest : std::numeric_limits<float>::infinity();
}

bool AllFinite(std::span<const float> x) { return std::isfinite(MaxAbs(x)); }

}  // namespace fedgap
