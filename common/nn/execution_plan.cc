#include "common/nn/execution_plan.h"

#include <algorithm>

#include "common/base/check.h"

namespace fedgap {
namespace {

bool IsConvolution(Op op) { return op == Op::kConv2d || op == Op::kLinear; }

// Operations that can apply a ReLU to what they store.
bool FusesRelu(Op op) {
  return IsConvolution(op) || op == Op::kGroupNorm || op == Op::kAdd;
}

// Operations that can mask the input gradient that they store.
bool MasksGradient(Op op) {
  return IsConvolution(op) || op == Op::kMaxPool ||
         op == Op::kGlobalAveragePool;
}

kernels::ConvShape ShapeOf(const Node& node) {
  kernels::ConvShape shape;
  shape.in_channels = node.in_channels;
  shape.out_channels = node.out_channels;
  if (node.spec.op == Op::kLinear) return shape;
  shape.kernel = node.spec.kernel;
  shape.stride = node.spec.stride;
  shape.padding = node.spec.padding;
  shape.dilation = node.spec.dilation;
  shape.groups = node.spec.groups;
  return shape;
}

kernels::PoolWindow WindowOf(const NodeSpec& spec) {
  return {spec.kernel[0], spec.kernel[1],  spec.stride[0],
          spec.stride[1], spec.padding[0], spec.padding[1]};
}

std::size_t PaddedSize(int channels) {
  return static_cast<std::size_t>(kernels::PadChannels(channels));
}

const float* At(std::span<const float> buffer, const ElementRange& range) {
  return buffer.data() + range.begin;
}

}  // namespace

ExecutionPlan::ExecutionPlan(const Model& model, Precision precision)
    : model_(model), precision_(precision) {
  const std::vector<Node>& nodes = model.nodes();
  std::vector<int> uses(nodes.size());
  std::vector<int> reader(nodes.size(), -1);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    for (const int input : nodes[n].inputs) {
      if (input == Model::kImage) continue;
      ++uses[static_cast<std::size_t>(input)];
      reader[static_cast<std::size_t>(input)] = static_cast<int>(n);
    }
  }
  // The one reader of a node, if that does `op`, else -1.
  const auto only_reader = [&](int node, Op op) {
    const auto n = static_cast<std::size_t>(node);
    if (uses[n] != 1) return -1;
    const bool does = nodes[static_cast<std::size_t>(reader[n])].spec.op == op;
    return does ? reader[n] : -1;
  };
  PlanValue image;
  image.channels = model.spec().input_channels;
  values_.push_back(image);
  std::vector<int> value_of_node(nodes.size(), -1);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (value_of_node[n] >= 0) continue;  // fused already
    FusedNodes fused{static_cast<int>(n)};
    const Op op = nodes[n].spec.op;
    if (FusesRelu(op)) fused.relu = only_reader(fused.first, Op::kRelu);
    if (op == Op::kGroupNorm) {
      const int pool = only_reader(fused.last(), Op::kMaxPool);
      const bool fuses =
          pool >= 0 &&
          WindowOf(nodes[static_cast<std::size_t>(pool)].spec).tiles();
      if (fuses) fused.max_pool = pool;
    }
    AddStep(fused, &value_of_node);
  }
  pooled_value_ = value_of_node[static_cast<std::size_t>(model.pool_node())];
  PlanGradients();
  ShareGradients();
}

void ExecutionPlan::AddStep(const FusedNodes& nodes,
                            std::vector<int>* value_of_node) {
  PlanStep step;
  step.node = &model_.nodes()[static_cast<std::size_t>(nodes.first)];
  step.relu = nodes.relu >= 0;
  bool trained = step.node->weight.size() > 0;
  for (const int input : step.node->inputs) {
    const int value = input == Model::kImage
                          ? 0
                          : (*value_of_node)[static_cast<std::size_t>(input)];
    trained |= values_[static_cast<std::size_t>(value)].trained;
    step.inputs.push_back({value, false});
  }
  if (IsConvolution(step.op())) {
    const kernels::ConvShape shape = ShapeOf(*step.node);
    step.conv.emplace(shape);
    if (precision_ == Precision::kBfloat16 && step.op() == Op::kConv2d &&
        shape.groups == 1) {
      const bool padded = step.inputs[0].value != 0 ||
                          PaddedSize(shape.in_channels) ==
                              static_cast<std::size_t>(shape.in_channels);
      step.mixed.emplace(shape, padded);
    }
  } else if (step.op() == Op::kGroupNorm) {
    kernels::GroupNorm::Options options;
    options.channels = step.node->out_channels;
    options.groups = step.node->spec.groups;
    options.epsilon = step.node->spec.epsilon;
    options.relu = step.relu;
    if (nodes.max_pool >= 0) {
      const auto pool = static_cast<std::size_t>(nodes.max_pool);
      options.max_pool = WindowOf(model_.nodes()[pool].spec);
    }
    step.norm.emplace(options);
  } else if (step.op() == Op::kMaxPool || step.op() == Op::kAvgPool) {
    step.window = WindowOf(step.node->spec);
  }
  PlaceWeights(&step);
  steps_.push_back(std::move(step));

  PlanValue value;
  value.node = nodes.last();
  value.channels = steps_.back().node->out_channels;
  value.trained = trained;
  values_.push_back(value);
  const int id = static_cast<int>(values_.size()) - 1;
  for (const int node : {nodes.first, nodes.relu, nodes.max_pool}) {
    if (node >= 0) (*value_of_node)[static_cast<std::size_t>(node)] = id;
  }
}

void ExecutionPlan::PlaceWeights(PlanStep* step) {
  const auto take = [](std::size_t count, std::size_t* end) {
    const std::size_t at = *end;
    *end += count;
    return at;
  };
  const std::size_t channels = PaddedSize(step->node->out_channels);
  if (step->conv) {
    step->weight_at = take(step->mixed ? step->mixed->forward_elements()
                                       : step->conv->forward_elements(),
                           &packed_elements_);
    step->backward_weight_at =
        take(step->mixed ? step->mixed->backward_elements()
                         : step->conv->backward_elements(),
             &packed_elements_);
    step->weight_gradient_at =
        take(step->conv->forward_elements(), &gradient_elements_);
  } else if (step->norm) {
    step->weight_at = take(channels, &packed_elements_);
    step->weight_gradient_at = take(channels, &gradient_elements_);
  }
  if (step->has_bias()) {
    step->bias_at = take(channels, &packed_elements_);
    step->bias_gradient_at = take(channels, &gradient_elements_);
  }
}

void ExecutionPlan::PlanGradients() {
  std::vector<int> uses(values_.size());
  std::vector<bool> dense(values_.size(), true);
  for (std::size_t s = steps_.size(); s-- > 0;) {
    PlanStep& step = steps_[s];
    for (PlanInput& input : step.inputs) {
      const auto value = static_cast<std::size_t>(input.value);
      input.accumulate = uses[value] > 0;
      ++uses[value];
      if (!step.conv || step.conv->depthwise()) dense[value] = false;
    }
  }
  // Other values are padded because kernels store whole blocks of channels.
  values_[0].dense = dense[0];
  for (PlanStep& step : steps_) {
    const auto value = static_cast<std::size_t>(step.inputs[0].value);
    if (value == 0 || uses[value] != 1 || !MasksGradient(step.op())) continue;
    const PlanStep& source = steps_[value - 1];
    if (!source.relu || source.norm) continue;
    step.masks_gradient = true;
    values_[value].masked_by_reader = true;
  }
}

// Of several readers of an input, the last hands its gradient back first. Once
// the add has done so, its output's gradient is of no more use: one input can
// always have the memory.
void ExecutionPlan::ShareGradients() {
  for (std::size_t s = steps_.size(); s-- > 0;) {
    const PlanStep& step = steps_[s];
    if (step.op() != Op::kAdd || !values_[s + 1].trained) continue;
    const int out = static_cast<int>(s) + 1;
    const int home = values_[s + 1].gradient_home;
    int shares = -1;
    for (const PlanInput& input : step.inputs) {
      PlanValue& value = values_[static_cast<std::size_t>(input.value)];
      if (!value.trained || input.accumulate) continue;
      if (shares >= 0 && !BothMayShare(s, shares, input.value)) continue;
      value.gradient_home = home < 0 ? out : home;
      shares = input.value;
    }
  }
}

// Whether the gradients of two inputs of an add can stand in one memory: that
// of the later one must have been used before anything is done to the other.
// Nothing but the add may read the later one, what makes it must neither mask
// it in place nor (an add) hand the memory on, and the readers of the other
// must come before that.
bool ExecutionPlan::BothMayShare(std::size_t add, int first, int second) const {
  const int later = std::max(first, second);
  const int earlier = std::min(first, second);
  const auto used = static_cast<std::size_t>(later) - 1;
  const PlanStep& source = steps_[used];
  if (source.op() == Op::kAdd || source.masks_in_place(values_[used + 1])) {
    return false;
  }
  for (std::size_t s = 0; s < steps_.size(); ++s) {
    if (s == add) continue;
    for (const PlanInput& input : steps_[s].inputs) {
      if (input.value == later) return false;
      if (input.value == earlier && s >= used) return false;
    }
  }
  return true;
}

void ExecutionPlan::Pack(std::span<const float> parameters, bool with_backward,
                         std::span<float> packed) const {
  FEDGAP_CHECK(static_cast<std::int64_t>(parameters.size()) ==
               model_.layout().elements());
  FEDGAP_CHECK(packed.size() == packed_elements_);
  for (const PlanStep& step : steps_) {
    const float* weight = At(parameters, step.node->weight);
    if (step.conv) {
      const auto input = static_cast<std::size_t>(step.inputs[0].value);
      const bool backward = with_backward && values_[input].trained;
      const auto pack = [&](const auto& conv) {
        conv.PackForward(weight, packed.data() + step.weight_at);
        if (!backward) return;
        conv.PackBackward(weight, packed.data() + step.backward_weight_at);
      };
      step.mixed ? pack(*step.mixed) : pack(*step.conv);
    } else if (step.norm) {
      std::copy_n(weight, step.node->weight.size(),
                  packed.data() + step.weight_at);
    }
    if (step.has_bias()) {
      std::copy_n(At(parameters, step.node->bias), step.node->bias.size(),
                  packed.data() + step.bias_at);
    }
  }
}

void ExecutionPlan::UnpackGradient(std::span<const float> packed,
                                   std::span<float> gradient) const {
  for (const PlanStep& step : steps_) {
    const float* weight = packed.data() + step.weight_gradient_at;
    float* to = gradient.data() + step.node->weight.begin;
    if (step.conv) {
      step.conv->UnpackGradient(weight, to);
    } else if (step.norm) {
      std::copy_n(weight, step.node->weight.size(), to);
    }
    if (step.has_bias()) {
      std::copy_n(packed.data() + step.bias_gradient_at, step.node->bias.size(),
                  gradient.data() + step.node->bias.begin);
    }
  }
}

}  // namespace fedgap
