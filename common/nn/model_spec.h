// A model described as data: a versioned graph of named nodes.
#ifndef FEDGAP_COMMON_NN_MODEL_SPEC_H_
#define FEDGAP_COMMON_NN_MODEL_SPEC_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/tensor/layout.h"
#include "common/tensor/normalization.h"

namespace fedgap {

// What a node computes. Images are [height, width, channels], vectors
// [channels].
enum class Op {
  kConv2d,             // image -> image; cross-correlation, as everywhere
  kRelu,               // image or vector -> the same shape
  kMaxPool,            // image -> image
  kAvgPool,            // image -> image; divides by the pixels inside the image
  kGroupNorm,          // image -> image
  kAdd,                // two images or vectors of one shape -> their sum
  kGlobalAveragePool,  // image -> vector: the pooled vector
  kLinear,             // vector -> vector
};

// One node. Only the fields that its op names are read; the others keep their
// defaults (a JSON file that sets one is refused).
struct NodeSpec {
  std::string name;  // unique; also the prefix of its tensors ("conv1.weight")
  Op op = Op::kRelu;
  // Names of earlier nodes, or "input" for the image. Empty: the node before
  // this one (the image for the first).
  std::vector<std::string> inputs;

  int out_channels = 0;  // conv2d, linear
  // conv2d, max_pool, avg_pool: {height, width}. A pool's stride defaults to
  // its kernel, a convolution's to 1; ParseModelSpec fills that in.
  std::array<int, 2> kernel = {1, 1};
  std::array<int, 2> stride = {1, 1};
  std::array<int, 2> padding = {0, 0};   // zeros on both sides
  std::array<int, 2> dilation = {1, 1};  // conv2d
  int groups = 1;    // conv2d: channel groups; group_norm: groups to normalise
  bool bias = true;  // conv2d, linear
  double epsilon = 1e-5;                  // group_norm
  TensorRole role = TensorRole::kShared;  // of the node's tensors

  bool operator==(const NodeSpec&) const = default;
};

struct ModelSpec {
  static constexpr int kVersion = 1;
  // The image's name among a node's inputs.
  static constexpr std::string_view kImageName = "input";

  int version = kVersion;
  std::string name;
  int input_channels = 1;
  int classes = 10;
  Normalization normalization;  // one entry per input channel
  // In execution order; the last node gives the logits [classes]. Exactly one
  // node is a global average pool.
  std::vector<NodeSpec> nodes;

  bool operator==(const ModelSpec&) const = default;
};

// "conv2d", "relu", "max_pool", "avg_pool", "group_norm", "add", "gap",
// "linear".
std::string_view ToString(Op op);
StatusOr<Op> OpFromString(std::string_view text);

// Reads the JSON form (docs/MODELS.md). INVALID_ARGUMENT names the node and
// the key: unknown or misspelt keys (with a suggestion), keys that stand twice,
// wrong types, another version; for broken JSON it names line and column.
// Checks the form only; Model::Create checks the graph.
StatusOr<ModelSpec> ParseModelSpec(std::string_view json);
// The JSON form, indented; ParseModelSpec gives the same spec back.
std::string ToJson(const ModelSpec& spec);

// What an image enters with where nothing else is said: mean 0.5 and stddev
// 0.5 in every channel, so that [0, 1] becomes [-1, 1].
Normalization DefaultNormalization(int channels);

// What varies between the uses of a built-in model.
struct BuiltInModelOptions {
  int input_channels = 1;
  int classes = 10;
  // Channels of the first convolution, in [1, 4096]; the others scale. 0: the
  // model's own (32 for gap-cnn-m, 16 for the others).
  int width = 0;
  // Of GroupNorm's scales and shifts. kLocal: FedBN.
  TensorRole norm_role = TensorRole::kShared;
  // Empty: DefaultNormalization.
  Normalization normalization = {};
};

// "gap-cnn-s", "gap-cnn-gn", "gap-cnn-m", "gap-resnet8" (docs/MODELS.md).
// NOT_FOUND for another name, with the known ones; INVALID_ARGUMENT for an
// option out of its range.
StatusOr<ModelSpec> BuiltInModel(std::string_view name,
                                 const BuiltInModelOptions& options = {});
std::vector<std::string> BuiltInModelNames();

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_MODEL_SPEC_H_
