// The checks behind Model::Create. Used by model.cc only.
#ifndef FEDGAP_COMMON_NN_MODEL_GRAPH_H_
#define FEDGAP_COMMON_NN_MODEL_GRAPH_H_

#include <vector>

#include "common/base/status.h"
#include "common/nn/model.h"

namespace fedgap {

struct ModelGraph {
  std::vector<Node> nodes;
  Layout layout;
  int pool_node = -1;
  ImageSize min_image_size;
};

// Resolves the inputs, infers every node's channels and size, places the
// tensors. Errors as for Model::Create.
StatusOr<ModelGraph> BuildModelGraph(const ModelSpec& spec);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_MODEL_GRAPH_H_
