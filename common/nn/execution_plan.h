// A Model made ready to run: its nodes fused into steps, and the places of
// their weights in the packed buffers. Used by the engines only.
#ifndef FEDGAP_COMMON_NN_EXECUTION_PLAN_H_
#define FEDGAP_COMMON_NN_EXECUTION_PLAN_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "common/nn/kernels/bfloat16_conv2d.h"
#include "common/nn/kernels/conv2d.h"
#include "common/nn/kernels/group_norm.h"
#include "common/nn/kernels/kernels.h"
#include "common/nn/model.h"
#include "common/nn/precision.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// What flows between steps. Value 0 is the image, value i + 1 the output of
// step i.
struct PlanValue {
  int node = Model::kImage;  // whose size it has
  int channels = 0;
  // Whether a parameter stands upstream, so that its gradient is wanted.
  bool trained = false;
  // Read by convolutions only, channel by channel: needs no channel padding.
  bool dense = false;
  // Output of a fused ReLU whose one reader masks the gradient that it hands
  // back (PlanStep::masks_gradient).
  bool masked_by_reader = false;
  // The value in whose gradient's memory its own stands: an add's output, whose
  // gradient is that of its inputs. -1: it has memory of its own.
  int gradient_home = -1;
};

struct PlanInput {
  int value = 0;
  // A later reader has written the value's gradient before: add to it.
  bool accumulate = false;
};

// One operation, with a ReLU fused behind it where the graph allows, and a max
// pool behind a group norm.
struct PlanStep {
  const Node* node = nullptr;
  std::vector<PlanInput> inputs;
  bool relu = false;
  // The input gradient is to be masked by the input, a ReLU's output.
  bool masks_gradient = false;
  std::optional<kernels::Conv2d> conv;  // conv2d and linear
  // How the convolution is done in mixed precision, if it is.
  std::optional<kernels::Bfloat16Conv2d> mixed;
  std::optional<kernels::GroupNorm> norm;
  kernels::PoolWindow window;  // pools

  // Offsets into PackedParameters (SIZE_MAX where there is none).
  std::size_t weight_at = 0;
  std::size_t backward_weight_at = 0;
  std::size_t bias_at = 0;
  // Offsets into a packed gradient.
  std::size_t weight_gradient_at = 0;
  std::size_t bias_gradient_at = 0;

  Op op() const { return node->spec.op; }
  bool has_bias() const { return node->bias.size() > 0; }
  // Whether the gradient of `out`, its output, is masked where it stands.
  bool masks_in_place(const PlanValue& out) const {
    return relu && !norm && !out.masked_by_reader;
  }
  bool has_winners() const {
    return op() == Op::kMaxPool || (norm && norm->pools());
  }
};

// Immutable and thread-safe; the model must outlive it.
class ExecutionPlan {
 public:
  explicit ExecutionPlan(const Model& model,
                         Precision precision = Precision::kFloat32);

  const Model& model() const { return model_; }
  const std::vector<PlanStep>& steps() const { return steps_; }
  const std::vector<PlanValue>& values() const { return values_; }
  // The value of the pooled vector; that of the logits is the last.
  int pooled_value() const { return pooled_value_; }

  std::size_t packed_elements() const { return packed_elements_; }
  std::size_t gradient_elements() const { return gradient_elements_; }

  // `packed` has packed_elements() floats, 64-byte aligned and once zeroed. The
  // weights for input gradients are packed only if `with_backward`.
  void Pack(std::span<const float> parameters, bool with_backward,
            std::span<float> packed) const;
  // From a packed gradient to the model's flat buffer.
  void UnpackGradient(std::span<const float> packed,
                      std::span<float> gradient) const;

 private:
  // The nodes of one step, each the one reader of the one before; -1: none.
  struct FusedNodes {
    int first = 0;
    int relu = -1;
    int max_pool = -1;

    int last() const { return std::max({first, relu, max_pool}); }
  };
  void AddStep(const FusedNodes& nodes, std::vector<int>* value_of_node);
  void PlaceWeights(PlanStep* step);
  void PlanGradients();
  // Lets an add's inputs take its output's gradient over.
  void ShareGradients();
  bool BothMayShare(std::size_t add, int first, int second) const;

  const Model& model_;
  Precision precision_;
  std::vector<PlanStep> steps_;
  std::vector<PlanValue> values_;
  int pooled_value_ = 0;
  std::size_t packed_elements_ = 0;
  std::size_t gradient_elements_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_EXECUTION_PLAN_H_
