// Small networks that together hold every operation, and images for them.
#ifndef FEDGAP_TESTS_COMMON_NN_TEST_NETWORKS_H_
#define FEDGAP_TESTS_COMMON_NN_TEST_NETWORKS_H_

#include <string>
#include <utility>
#include <vector>

#include "common/nn/engine.h"
#include "common/nn/model.h"
#include "common/nn/model_spec.h"
#include "common/tensor/image_view.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// (name, network of 3 classes). Every operation, fused and not, with values
// read once, twice and by readers that do and do not mask gradients; and random
// graphs.
std::vector<std::pair<std::string, ModelSpec>> TestNetworks();

// Convolutions of 3x3, 5x5 and 1x1 and their sums: an add's inputs, and an
// add's output, are read as a convolution's gradients.
ModelSpec ConvResidual(int channels);

// Random images of a model's channels, with labels 0, 1, 2, 0, ... Owns the
// pixels.
class TestImages {
 public:
  TestImages(const Model& model, const std::vector<ImageSize>& sizes);
  TestImages(const TestImages&) = delete;
  TestImages& operator=(const TestImages&) = delete;

  const std::vector<ImageView>& views() const { return views_; }
  const std::vector<Example>& examples() const { return examples_; }

 private:
  std::vector<Parameters> pixels_;
  std::vector<ImageView> views_;
  std::vector<Example> examples_;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_COMMON_NN_TEST_NETWORKS_H_
