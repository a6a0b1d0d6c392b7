// A model as a plain chain of layers, for opponents that are libraries of
// layers and not of graphs.
#ifndef FEDGAP_BENCH_ENGINE_LAYER_CHAIN_H_
#define FEDGAP_BENCH_ENGINE_LAYER_CHAIN_H_

#include <cstddef>
#include <vector>

#include "common/base/status.h"
#include "common/nn/model.h"

namespace fedgap::bench {

// A 3x3 convolution (stride 1, padding 1) with bias and ReLU, and behind it a
// 2x2 max pool if asked. Offsets are into the model's flat parameters.
struct ConvLayer {
  int in_channels = 0;
  int out_channels = 0;
  bool pool = false;
  std::size_t weight = 0;  // [3, 3, in_channels, out_channels]
  std::size_t bias = 0;    // [out_channels]
};

// The convolutions, then the global average pool and a linear layer.
struct LayerChain {
  std::vector<ConvLayer> convs;
  int pooled_channels = 0;
  int classes = 0;
  std::size_t head_weight = 0;  // [pooled_channels, classes]
  std::size_t head_bias = 0;    // [classes]
};

// UNIMPLEMENTED, naming the node, for a model that is no such chain: group
// norm, residual branches, other kernels.
StatusOr<LayerChain> LayerChainOf(const Model& model);

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_ENGINE_LAYER_CHAIN_H_
