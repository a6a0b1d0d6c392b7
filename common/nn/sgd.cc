#include "common/nn/sgd.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/nn/kernels/kernels.h"
#include "common/tensor/span_math.h"

namespace fedgap {

Sgd::Sgd(std::size_t elements, Options options)
    : options_(options), velocity_(elements) {
  FEDGAP_CHECK(options.momentum >= 0 && options.momentum < 1);
  FEDGAP_CHECK(options.weight_decay >= 0);
}

void Sgd::Step(float learning_rate, std::span<const float> gradient,
               std::span<float> parameters) {
  FEDGAP_CHECK(gradient.size() == velocity_.size());
  FEDGAP_CHECK(parameters.size() == velocity_.size());
  kernels::SgdTask task;
  task.elements = static_cast<std::ptrdiff_t>(velocity_.size());
  task.gradient = gradient.data();
  task.velocity = velocity_.data();
  task.parameters = parameters.data();
  task.learning_rate = learning_rate;
  task.momentum = options_.momentum;
  task.weight_decay = options_.weight_decay;
  task.nesterov = options_.nesterov;
  const auto isa = options_.isa.value_or(kernels::BestIsa());
  kernels::KernelsFor(isa).sgd(task);
}

void Sgd::Reset() { std::fill(velocity_.begin(), velocity_.end(), 0.0f); }

double ClipNorm(double max_norm, std::span<float> gradient) {
  FEDGAP_CHECK(max_norm > 0);
  const double norm = Norm(gradient);
  if (norm > max_norm) {
    Scale(static_cast<float>(max_norm / norm), gradient);
  }
  return norm;
}

}  // namespace fedgap
