// A ModelSpec made executable: the checked graph and where its tensors stand.
#ifndef FEDGAP_COMMON_NN_MODEL_H_
#define FEDGAP_COMMON_NN_MODEL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/base/status.h"
#include "common/nn/model_spec.h"
#include "common/tensor/image_view.h"
#include "common/tensor/layout.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// floor((image extent + offset) / scale). Every chain of convolutions and pools
// has this form: floor((floor((x + a) / r) + b) / s) =
// floor((x + a + b r) / (r s)). So two branches have one size for every image
// exactly if their maps are equal, and the smallest image that leaves a node
// with at least one pixel is scale - offset.
struct ExtentMap {
  std::int64_t offset = 0;
  std::int64_t scale = 1;

  std::int64_t operator()(std::int64_t image_extent) const {
    const std::int64_t shifted = image_extent + offset;
    return shifted >= 0 ? shifted / scale : -((scale - 1 - shifted) / scale);
  }
  bool operator==(const ExtentMap&) const = default;
};

// One node of the checked graph. Shapes of its tensors:
//   conv2d      weight [kernel_h, kernel_w, in_channels / groups, out_channels]
//               bias [out_channels]
//   group_norm  scale [channels], shift [channels]
//   linear      weight [in_channels, out_channels], bias [out_channels]
struct Node {
  NodeSpec spec;
  // Indices of earlier nodes; Model::kImage is the input image.
  std::vector<int> inputs;
  int in_channels = 0;
  int out_channels = 0;
  bool is_vector = false;  // the output has no height and width
  // In the flat buffer; empty where the node has no such tensor. For
  // group_norm `weight` is the scale and `bias` the shift.
  ElementRange weight;
  ElementRange bias;
  // The output's height and width as functions of the input image's.
  std::array<ExtentMap, 2> extents;
};

// Immutable and thread-safe. It holds no parameters: every call that needs
// them takes a flat buffer of layout().elements() floats.
class Model {
 public:
  static constexpr int kImage = -1;
  // No image may be higher or wider.
  static constexpr int kMaxImageExtent = 65536;

  // INVALID_ARGUMENT, naming the node: a name that is empty, repeated or
  // reserved, a field out of its range, an unknown or later input, channels
  // that don't divide into groups, an add of two shapes (also if they differ
  // for some image sizes only), no or several global average pools, a spatial
  // op after it, a last node without `classes` outputs, an unused node, a
  // normalisation of the wrong length.
  static StatusOr<std::unique_ptr<const Model>> Create(ModelSpec spec);

  const ModelSpec& spec() const { return spec_; }
  const Layout& layout() const { return layout_; }
  const std::vector<Node>& nodes() const { return nodes_; }
  int classes() const { return spec_.classes; }
  // Length C of the pooled vector.
  int pooled_channels() const;
  // The index of the global average pool in nodes().
  int pool_node() const { return pool_node_; }

  // The smallest image of which every node's output has a pixel.
  ImageSize min_image_size() const { return min_image_size_; }
  // The output size of every node, by index, for an image of `size`; vectors
  // count as 1x1. INVALID_ARGUMENT if some node's output would be empty (the
  // message says which and the smallest size that works) or an extent is above
  // kMaxImageExtent.
  StatusOr<std::vector<ImageSize>> NodeSizes(ImageSize size) const;
  Status CheckImage(ImageSize size) const;

  // Weights and biases uniform within 1 / sqrt(fan_in), which is PyTorch's
  // default (Kaiming-uniform with a = sqrt(5); He et al., "Delving Deep into
  // Rectifiers", 2015); scales 1, shifts 0. A function of the seed and the
  // layout alone: each tensor has its own stream, keyed by its name.
  Parameters InitialParameters(std::uint64_t seed) const;

  // Floating-point operations (a multiply-add is two) of one image's forward
  // pass in convolutions and linear layers, and of a whole training step
  // (forward, weight gradients, input gradients where one is needed).
  std::int64_t ForwardFlops(ImageSize size) const;
  std::int64_t TrainingFlops(ImageSize size) const;

 private:
  Model() = default;

  ModelSpec spec_;
  Layout layout_;
  std::vector<Node> nodes_;
  int pool_node_ = -1;
  ImageSize min_image_size_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_MODEL_H_
