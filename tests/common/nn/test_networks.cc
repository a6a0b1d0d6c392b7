#include "tests/common/nn/test_networks.h"

#include <utility>

#include "common/base/counter_rng.h"

namespace fedgap {
namespace {

NodeSpec Conv(std::string name, int channels, int kernel, int stride,
              int padding) {
  NodeSpec node;
  node.name = std::move(name);
  node.op = Op::kConv2d;
  node.out_channels = channels;
  node.kernel = {kernel, kernel};
  node.stride = {stride, stride};
  node.padding = {padding, padding};
  return node;
}

NodeSpec Simple(std::string name, Op op, std::vector<std::string> inputs = {}) {
  return NodeSpec{
      .name = std::move(name), .op = op, .inputs = std::move(inputs)};
}

NodeSpec Norm(std::string name, int groups) {
  NodeSpec node = Simple(std::move(name), Op::kGroupNorm);
  node.groups = groups;
  return node;
}

NodeSpec Pool(std::string name, Op op, int kernel, int stride, int padding) {
  NodeSpec node = Simple(std::move(name), op);
  node.kernel = {kernel, kernel};
  node.stride = {stride, stride};
  node.padding = {padding, padding};
  return node;
}

NodeSpec Linear(std::string name, int channels) {
  NodeSpec node = Simple(std::move(name), Op::kLinear);
  node.out_channels = channels;
  return node;
}

ModelSpec Network(int input_channels, std::vector<NodeSpec> nodes) {
  ModelSpec spec;
  spec.name = "test";
  spec.input_channels = input_channels;
  spec.classes = 3;
  const auto channels = static_cast<std::size_t>(input_channels);
  spec.normalization = {std::vector<double>(channels, 0.0),
                        std::vector<double>(channels, 1.0)};
  spec.nodes = std::move(nodes);
  return spec;
}

}  // namespace

std::vector<std::pair<std::string, ModelSpec>> TestNetworks() {
  NodeSpec depthwise = Conv("d", 5, 3, 2, 1);
  depthwise.groups = 5;
  NodeSpec grouped = Conv("g", 6, 3, 1, 1);
  grouped.groups = 2;
  NodeSpec dilated = Conv("c", 4, 3, 1, 2);
  dilated.dilation = {2, 2};
  dilated.bias = false;
  return {
      {"ConvReluMaxPool",
       Network(1, {Conv("c", 4, 3, 1, 1), Simple("r", Op::kRelu),
                   Pool("p", Op::kMaxPool, 2, 2, 0), Conv("e", 5, 3, 1, 1),
                   Simple("s", Op::kRelu), Simple("g", Op::kGlobalAveragePool),
                   Linear("l", 3)})},
      {"ConvReluConv",
       Network(2, {Conv("c", 4, 3, 1, 0), Simple("r", Op::kRelu),
                   Conv("e", 5, 3, 2, 1), Simple("s", Op::kRelu),
                   Pool("p", Op::kMaxPool, 3, 2, 1),
                   Simple("g", Op::kGlobalAveragePool), Linear("h", 6),
                   Simple("t", Op::kRelu), Linear("l", 3)})},
      {"GroupNormReluAvgPool",
       Network(1, {Conv("c", 4, 3, 1, 1), Norm("n", 2), Simple("r", Op::kRelu),
                   Pool("p", Op::kAvgPool, 2, 2, 0), Conv("e", 6, 3, 1, 1),
                   Norm("m", 3), Simple("g", Op::kGlobalAveragePool),
                   Linear("l", 3)})},
      {"Residual",
       Network(1, {Conv("c", 4, 3, 1, 1), Simple("r", Op::kRelu),
                   Conv("d", 4, 3, 1, 1), Norm("n", 2),
                   Simple("a", Op::kAdd, {"n", "r"}), Simple("s", Op::kRelu),
                   Conv("e", 6, 3, 2, 1),
                   [] {
                     NodeSpec shortcut = Conv("k", 6, 1, 2, 0);
                     shortcut.inputs = {"s"};
                     return shortcut;
                   }(),
                   Simple("b", Op::kAdd, {"e", "k"}),
                   Simple("g", Op::kGlobalAveragePool), Linear("l", 3)})},
      {"GroupsAndDilation",
       Network(3, {dilated, Simple("r", Op::kRelu), grouped, Norm("n", 1),
                   Conv("x", 5, 1, 1, 0), Simple("y", Op::kRelu), depthwise,
                   Simple("z", Op::kRelu), Simple("p", Op::kGlobalAveragePool),
                   Linear("l", 3)})},
      {"PoolFirstAndSharedRelu",
       Network(2, {Pool("p", Op::kMaxPool, 2, 1, 0), Conv("c", 4, 3, 1, 1),
                   Simple("r", Op::kRelu), Simple("a", Op::kAdd, {"c", "r"}),
                   Simple("s", Op::kRelu), Pool("q", Op::kAvgPool, 3, 2, 1),
                   Simple("g", Op::kGlobalAveragePool), Linear("l", 3)})},
  };
}

TestImages::TestImages(const Model& model,
                       const std::vector<ImageSize>& sizes) {
  CounterRng rng(17, RngPurpose::kSynthetic);
  const int channels = model.spec().input_channels;
  for (const ImageSize& size : sizes) {
    Parameters& pixels = pixels_.emplace_back(
        static_cast<std::size_t>(size.pixels() * channels));
    for (float& pixel : pixels) pixel = static_cast<float>(rng.Normal());
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    views_.push_back({pixels_[i].data(), sizes[i], channels});
    examples_.push_back({views_[i], static_cast<int>(i) % 3});
  }
}

}  // namespace fedgap
