#include "bench/engine/layer_chain.h"

#include <fmt/format.h>

namespace fedgap::bench {
namespace {

constexpr std::array<int, 2> kOne = {1, 1};
constexpr std::array<int, 2> kTwo = {2, 2};
constexpr std::array<int, 2> kThree = {3, 3};

std::size_t Begin(const ElementRange& range) {
  return static_cast<std::size_t>(range.begin);
}

bool IsPlainConv(const NodeSpec& spec) {
  return spec.op == Op::kConv2d && spec.kernel == kThree &&
         spec.stride == kOne && spec.padding == kOne && spec.dilation == kOne &&
         spec.groups == 1 && spec.bias;
}

// Adds a node to the chain; false if that cannot be.
bool Append(const Node& node, LayerChain& chain) {
  const NodeSpec& spec = node.spec;
  if (IsPlainConv(spec)) {
    chain.convs.push_back({node.in_channels, node.out_channels, false,
                           Begin(node.weight), Begin(node.bias)});
    return true;
  }
  if (spec.op == Op::kLinear && spec.bias) {
    chain.pooled_channels = node.in_channels;
    chain.classes = node.out_channels;
    chain.head_weight = Begin(node.weight);
    chain.head_bias = Begin(node.bias);
    return true;
  }
  if (spec.op == Op::kMaxPool && spec.kernel == kTwo && spec.stride == kTwo) {
    chain.convs.back().pool = true;
    return true;
  }
  return spec.op == Op::kRelu || spec.op == Op::kGlobalAveragePool;
}

}  // namespace

StatusOr<LayerChain> LayerChainOf(const Model& model) {
  LayerChain chain;
  for (const Node& node : model.nodes()) {
    if (node.inputs.size() != 1 || !Append(node, chain)) {
      return absl::UnimplementedError(fmt::format(
          "only chains of 3x3 convolutions, not '{}'", node.spec.name));
    }
  }
  return chain;
}

}  // namespace fedgap::bench
