#include "tests/common/nn/test_networks.h"

#include <algorithm>
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

// Convolutions, norms, ReLUs and sums of what came before, all of one shape; in
// the end the sum of what nobody has read.
ModelSpec RandomGraph(std::uint64_t seed) {
  CounterRng rng(seed, RngPurpose::kSynthetic);
  std::vector<NodeSpec> nodes = {Conv("0", 4, 3, 1, 1), Norm("1", 2)};
  std::vector<std::string> unread = {"1"};
  const auto take = [&] {
    const std::uint64_t any = rng.Below(nodes.size());
    const std::uint64_t few =
        rng.Below(std::min<std::uint64_t>(4, nodes.size()));
    const std::uint64_t often = rng.Below(2) * any;
    const std::uint64_t back = seed % 2 == 0 ? few : often;
    std::string name = nodes[nodes.size() - 1 - back].name;
    std::erase(unread, name);
    return name;
  };
  const auto put = [&](NodeSpec node, std::vector<std::string> inputs) {
    node.inputs = std::move(inputs);
    unread.push_back(node.name);
    nodes.push_back(std::move(node));
  };
  while (nodes.size() < 10) {
    const std::string name = std::to_string(nodes.size());
    const int padding = static_cast<int>(rng.Below(3));
    switch (rng.Below(4)) {
      case 0:
        // Kernels of 1, 3 and 5 have borders of 0, 1 and 2.
        put(Conv(name, 4, 1 + 2 * padding, 1, padding), {take()});
        break;
      case 1:
        put(Norm(name, 2), {take()});
        break;
      case 2:
        put(Simple(name, Op::kRelu), {take()});
        break;
      default: {
        const std::string left = take();
        std::string right = left;
        while (right == left) right = take();
        put(Simple(name, Op::kAdd), {left, right});
      }
    }
  }
  while (unread.size() > 1) {
    const std::string left = unread.back();
    unread.pop_back();
    const std::string right = unread.back();
    unread.pop_back();
    put(Simple(std::to_string(nodes.size()), Op::kAdd), {left, right});
  }
  nodes.push_back(Simple("pool", Op::kGlobalAveragePool, {unread[0]}));
  nodes.push_back(Linear("logits", 3));
  return Network(1, std::move(nodes));
}

}  // namespace

ModelSpec ConvResidual(int channels) {
  return Network(
      1, {Conv("c", channels, 3, 1, 1), Conv("d", channels, 5, 1, 2),
          Conv("e", channels, 3, 1, 1), Simple("a", Op::kAdd, {"e", "d"}),
          Conv("f", channels, 1, 1, 0), Simple("b", Op::kAdd, {"f", "a"}),
          Simple("g", Op::kGlobalAveragePool), Linear("l", 3)});
}

std::vector<std::pair<std::string, ModelSpec>> TestNetworks() {
  NodeSpec depthwise = Conv("d", 5, 3, 2, 1);
  depthwise.groups = 5;
  NodeSpec grouped = Conv("g", 6, 3, 1, 1);
  grouped.groups = 2;
  NodeSpec dilated = Conv("c", 4, 3, 1, 2);
  dilated.dilation = {2, 2};
  dilated.bias = false;
  std::vector<std::pair<std::string, ModelSpec>> networks = {
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
      {"GroupNormMaxPool",
       Network(1, {Conv("c", 4, 3, 1, 1), Norm("n", 2), Simple("r", Op::kRelu),
                   Pool("p", Op::kMaxPool, 2, 2, 0), Conv("e", 6, 3, 1, 1),
                   Norm("m", 3), Pool("q", Op::kMaxPool, 2, 2, 0),
                   Simple("g", Op::kGlobalAveragePool), Linear("l", 3)})},
      {"PooledResidual",
       Network(1, {Conv("c", 4, 3, 1, 1), Norm("n", 2), Simple("r", Op::kRelu),
                   Pool("p", Op::kMaxPool, 2, 2, 0), Conv("d", 4, 3, 1, 1),
                   Norm("m", 2), Simple("a", Op::kAdd, {"m", "p"}),
                   Simple("s", Op::kRelu), Conv("e", 4, 5, 1, 2),
                   Simple("b", Op::kAdd, {"e", "s"}), Norm("o", 2),
                   Simple("g", Op::kGlobalAveragePool), Linear("l", 3)})},
      {"Residual", Network(1, {Conv("c", 4, 3, 1, 1), Simple("r", Op::kRelu),
                               Conv("d", 4, 3, 1, 1), Norm("n", 2),
                               Simple("a", Op::kAdd, {"n", "r"}),
                               Simple("s", Op::kRelu), Conv("e", 6, 3, 2, 1),
                               [] {
                                 NodeSpec shortcut = Conv("k", 6, 1, 2, 0);
                                 shortcut.inputs = {"s"};
                                 return shortcut;
                               }(),
                               Simple("b", Op::kAdd, {"e", "k"}),
                               Simple("g", Op::kGlobalAveragePool),
                               Linear("l", 3)})},
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
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    networks.emplace_back("RandomGraph" + std::to_string(seed),
                          RandomGraph(seed));
  }
  return networks;
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
