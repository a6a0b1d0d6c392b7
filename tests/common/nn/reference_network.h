// A model's forward pass in double, written for reading: the oracle of the
// engines' tests.
#ifndef FEDGAP_TESTS_COMMON_NN_REFERENCE_NETWORK_H_
#define FEDGAP_TESTS_COMMON_NN_REFERENCE_NETWORK_H_

#include <span>
#include <vector>

#include "common/nn/model.h"
#include "common/tensor/image_view.h"

namespace fedgap {

struct ReferenceOutput {
  std::vector<double> logits;
  std::vector<double> pooled;
};

ReferenceOutput ReferenceForward(const Model& model,
                                 std::span<const double> parameters,
                                 const ImageView& image);

// Softmax cross-entropy of the logits.
double ReferenceLoss(const std::vector<double>& logits, int label);

}  // namespace fedgap

#endif  // FEDGAP_TESTS_COMMON_NN_REFERENCE_NETWORK_H_
