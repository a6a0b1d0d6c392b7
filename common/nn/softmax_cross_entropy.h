// The loss. Used by the engines only.
#ifndef FEDGAP_COMMON_NN_SOFTMAX_CROSS_ENTROPY_H_
#define FEDGAP_COMMON_NN_SOFTMAX_CROSS_ENTROPY_H_

#include <span>

#include "common/nn/batch_metrics.h"
#include "common/nn/kernels/kernels.h"

namespace fedgap {

// loss = -log softmax(logits)[label]. Exponentials in float by
// Kernels::exp, their sum in order in double, the logarithm by PortableLog.
// `gradient` [classes] receives weight (softmax - onehot); empty if not
// wanted.
BatchMetrics SoftmaxCrossEntropy(const kernels::Kernels& kernels,
                                 std::span<const float> logits, int label,
                                 float weight, std::span<float> gradient);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_SOFTMAX_CROSS_ENTROPY_H_
