// Gradients by finite differences, for tests.
#ifndef FEDGAP_TESTS_TESTING_GRADIENT_CHECK_H_
#define FEDGAP_TESTS_TESTING_GRADIENT_CHECK_H_

#include <functional>
#include <span>
#include <vector>

namespace fedgap {

// d f / d x at `point` by central differences of width `step`. With f in
// double and a step of 1e-6, kinks (ReLU, max) are all but never hit.
inline std::vector<double> NumericGradient(
    const std::function<double(std::span<const double>)>& f,
    std::vector<double> point, double step = 1e-6) {
  std::vector<double> gradient(point.size());
  for (std::size_t i = 0; i < point.size(); ++i) {
    const double at = point[i];
    point[i] = at + step;
    const double up = f(point);
    point[i] = at - step;
    const double down = f(point);
    point[i] = at;
    gradient[i] = (up - down) / (2 * step);
  }
  return gradient;
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_GRADIENT_CHECK_H_
