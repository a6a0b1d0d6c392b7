// Stochastic gradient descent on the flat buffer.
#ifndef FEDGAP_COMMON_NN_SGD_H_
#define FEDGAP_COMMON_NN_SGD_H_

#include <cstddef>
#include <optional>
#include <span>

#include "common/nn/kernels/isa.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// v = momentum v + (g + weight_decay w); w = w - learning_rate v, as in
// PyTorch's SGD without dampening (Sutskever et al., "On the importance of
// initialization and momentum", 2013). The first step starts from v = 0. One
// pass over memory, the same bits on every CPU with fused multiply-add. Not
// thread-safe.
class Sgd {
 public:
  struct Options {
    float momentum = 0.9f;      // in [0, 1)
    float weight_decay = 0.0f;  // >= 0
    bool nesterov = false;      // w = w - lr (g' + momentum v)
    // The instruction set to use; the best that runs here if unset.
    std::optional<kernels::Isa> isa = std::nullopt;
  };

  // For buffers of `elements` floats.
  Sgd(std::size_t elements, Options options);

  void Step(float learning_rate, std::span<const float> gradient,
            std::span<float> parameters);

  // Forgets the momentum.
  void Reset();

 private:
  Options options_;
  Parameters velocity_;
};

// Scales `gradient` so that its Euclidean norm is at most `max_norm` (> 0).
// Returns the norm before.
double ClipNorm(double max_norm, std::span<float> gradient);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_SGD_H_
