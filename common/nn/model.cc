#include "common/nn/model.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "common/base/check.h"
#include "common/base/counter_rng.h"
#include "common/nn/model_graph.h"

namespace fedgap {
namespace {

void FillUniform(double bound, CounterRng rng, std::span<float> values) {
  for (float& value : values) {
    value = static_cast<float>((2.0 * rng.Uniform() - 1.0) * bound);
  }
}

std::span<float> Slice(Parameters& parameters, const ElementRange& range) {
  return std::span(parameters)
      .subspan(static_cast<std::size_t>(range.begin),
               static_cast<std::size_t>(range.size()));
}

// Multiply-adds of one image's forward pass; 0 for what is neither a
// convolution nor linear. In double, which holds what int64 cannot.
double ForwardMultiplyAdds(const Node& node, ImageSize output) {
  switch (node.spec.op) {
    case Op::kConv2d:
      return static_cast<double>(output.pixels()) *
             static_cast<double>(node.weight.size());
    case Op::kLinear:
      return static_cast<double>(node.weight.size());
    default:
      return 0.0;
  }
}

std::int64_t ToFlops(double multiply_adds) {
  constexpr double kLimit = 9.2e18;
  const double flops = 2.0 * multiply_adds;
  return flops < kLimit ? static_cast<std::int64_t>(flops)
                        : std::numeric_limits<std::int64_t>::max();
}

}  // namespace

StatusOr<std::unique_ptr<const Model>> Model::Create(ModelSpec spec) {
  StatusOr<ModelGraph> graph = BuildModelGraph(spec);
  if (!graph.ok()) {
    return Annotate(graph.status(), fmt::format("model '{}'", spec.name));
  }
  std::unique_ptr<Model> model(new Model());
  model->spec_ = std::move(spec);
  model->layout_ = std::move(graph->layout);
  model->nodes_ = std::move(graph->nodes);
  model->pool_node_ = graph->pool_node;
  model->min_image_size_ = graph->min_image_size;
  return model;
}

int Model::pooled_channels() const {
  return nodes_[static_cast<std::size_t>(pool_node_)].out_channels;
}

Status Model::CheckImage(ImageSize size) const {
  if (size.height > kMaxImageExtent || size.width > kMaxImageExtent) {
    return absl::InvalidArgumentError(
        fmt::format("an image of {} is too large: no side may exceed {} pixels",
                    size.ToString(), kMaxImageExtent));
  }
  if (size.height >= min_image_size_.height &&
      size.width >= min_image_size_.width) {
    return absl::OkStatus();
  }
  for (const Node& node : nodes_) {
    if (node.extents[0](size.height) < 1 || node.extents[1](size.width) < 1) {
      return absl::InvalidArgumentError(fmt::format(
          "an image of {} is too small for model '{}': nothing would be left "
          "after node '{}'; the smallest size that works is {}",
          size.ToString(), spec_.name, node.spec.name,
          min_image_size_.ToString()));
    }
  }
  return absl::InvalidArgumentError(
      fmt::format("an image of {} has no pixels", size.ToString()));
}

StatusOr<std::vector<ImageSize>> Model::NodeSizes(ImageSize size) const {
  FEDGAP_RETURN_IF_ERROR(CheckImage(size));
  std::vector<ImageSize> sizes;
  sizes.reserve(nodes_.size());
  for (const Node& node : nodes_) {
    if (node.is_vector) {
      sizes.push_back({1, 1});
    } else {
      sizes.push_back({static_cast<int>(node.extents[0](size.height)),
                       static_cast<int>(node.extents[1](size.width))});
    }
  }
  return sizes;
}

Parameters Model::InitialParameters(std::uint64_t seed) const {
  Parameters parameters(static_cast<std::size_t>(layout_.elements()));
  const auto stream = [&](const Node& node, std::string_view tensor) {
    return CounterRng(seed, RngPurpose::kInitialization,
                      fmt::format("{}.{}", node.spec.name, tensor));
  };
  for (const Node& node : nodes_) {
    if (node.weight.size() == 0) continue;
    if (node.spec.op == Op::kGroupNorm) {
      for (float& scale : Slice(parameters, node.weight)) scale = 1.0f;
      continue;
    }
    const std::int64_t fan_in = node.weight.size() / node.out_channels;
    const double bound = 1.0 / std::sqrt(static_cast<double>(fan_in));
    FillUniform(bound, stream(node, "weight"), Slice(parameters, node.weight));
    FillUniform(bound, stream(node, "bias"), Slice(parameters, node.bias));
  }
  return parameters;
}

std::int64_t Model::ForwardFlops(ImageSize size) const {
  const StatusOr<std::vector<ImageSize>> sizes = NodeSizes(size);
  FEDGAP_CHECK(sizes.ok());
  double total = 0.0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    total += ForwardMultiplyAdds(nodes_[i], (*sizes)[i]);
  }
  return ToFlops(total);
}

std::int64_t Model::TrainingFlops(ImageSize size) const {
  const StatusOr<std::vector<ImageSize>> sizes = NodeSizes(size);
  FEDGAP_CHECK(sizes.ok());
  // Whether a node's output depends on a parameter, so that a gradient must
  // flow into it.
  std::vector<bool> trained(nodes_.size());
  double total = 0.0;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    const Node& node = nodes_[i];
    bool input_trained = false;
    for (const int input : node.inputs) {
      if (input != kImage && trained[static_cast<std::size_t>(input)]) {
        input_trained = true;
      }
    }
    trained[i] = input_trained || node.weight.size() > 0;
    total +=
        ForwardMultiplyAdds(node, (*sizes)[i]) * (input_trained ? 3.0 : 2.0);
  }
  return ToFlops(total);
}

}  // namespace fedgap
