#include "common/nn/model_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/did_you_mean.h"
#include "common/nn/model_spec_checks.h"

namespace fedgap {
namespace {

constexpr std::int64_t kMaxScale = Model::kMaxImageExtent;
constexpr std::int64_t kMaxParameters = std::int64_t{1} << 33;

template <typename... Args>
Status Invalid(fmt::format_string<Args...> format, Args&&... args) {
  return absl::InvalidArgumentError(
      fmt::format(format, std::forward<Args>(args)...));
}

bool HasWindow(Op op) {
  return op == Op::kConv2d || op == Op::kMaxPool || op == Op::kAvgPool;
}

// Builds the nodes one after another; each sees only those before it.
class GraphBuilder {
 public:
  explicit GraphBuilder(const ModelSpec& spec) : spec_(spec) {
    for (const NodeSpec& node : spec.nodes) names_.push_back(node.name);
    image_.out_channels = spec.input_channels;
  }

  StatusOr<ModelGraph> Build();

 private:
  Status Append(const NodeSpec& spec);
  StatusOr<std::vector<int>> ResolveInputs(const NodeSpec& spec) const;
  StatusOr<int> IndexOf(std::string_view name) const;
  // Sets what follows from the inputs: channels, kind and size of the output.
  Status Infer(Node& node) const;
  Status InferAdd(Node& node) const;
  Status InferWindow(Node& node) const;
  Status CheckWhole() const;
  Status PlaceTensors();

  const Node& At(int index) const {
    return index == Model::kImage
               ? image_
               : graph_.nodes[static_cast<std::size_t>(index)];
  }

  const ModelSpec& spec_;
  std::vector<std::string> names_;
  Node image_;
  std::map<std::string_view, int> index_of_;
  std::vector<bool> used_;
  ModelGraph graph_;
};

StatusOr<int> GraphBuilder::IndexOf(std::string_view name) const {
  if (name == ModelSpec::kImageName) return Model::kImage;
  if (const auto found = index_of_.find(name); found != index_of_.end()) {
    return found->second;
  }
  if (std::ranges::find(names_, name) != names_.end()) {
    return Invalid("its input '{}' comes later; nodes stand in execution order",
                   name);
  }
  return Invalid("its input '{}' is no node{}", name, DidYouMean(name, names_));
}

StatusOr<std::vector<int>> GraphBuilder::ResolveInputs(
    const NodeSpec& spec) const {
  const std::size_t wanted = spec.op == Op::kAdd ? 2 : 1;
  std::vector<int> inputs;
  for (const std::string& name : spec.inputs) {
    FEDGAP_ASSIGN_OR_RETURN(const int index, IndexOf(name));
    inputs.push_back(index);
  }
  if (inputs.empty())
    inputs.push_back(static_cast<int>(graph_.nodes.size()) - 1);
  if (inputs.size() != wanted) {
    return Invalid("{} takes {} input{}, not {}", ToString(spec.op), wanted,
                   wanted == 1 ? "" : "s", inputs.size());
  }
  return inputs;
}

Status GraphBuilder::InferAdd(Node& node) const {
  const Node& a = At(node.inputs[0]);
  const Node& b = At(node.inputs[1]);
  if (node.inputs[0] == node.inputs[1]) {
    return Invalid("it adds a node to itself");
  }
  if (a.is_vector != b.is_vector) {
    return Invalid("one of its inputs is an image, the other a vector");
  }
  if (a.out_channels != b.out_channels) {
    return Invalid("its inputs have {} and {} channels", a.out_channels,
                   b.out_channels);
  }
  if (a.extents != b.extents) {
    return Invalid(
        "its inputs do not have the same height and width for every image; "
        "give both branches the same strides and fitting paddings");
  }
  return absl::OkStatus();
}

Status GraphBuilder::InferWindow(Node& node) const {
  const NodeSpec& spec = node.spec;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    // floor((x + 2 padding - reach) / stride) + 1, as one floor, after the
    // input's own.
    const std::int64_t reach =
        std::int64_t{spec.dilation[axis]} * (spec.kernel[axis] - 1) + 1;
    ExtentMap& map = node.extents[axis];
    map.offset +=
        (2 * spec.padding[axis] - reach + spec.stride[axis]) * map.scale;
    map.scale *= spec.stride[axis];
    if (map.scale > kMaxScale || map.scale - map.offset > kMaxScale) {
      return Invalid(
          "up to here the strides and kernels would need images of more than "
          "{} pixels a side",
          kMaxScale);
    }
    if (map.offset > kMaxScale * map.scale) {
      return Invalid("up to here the paddings add more than {} pixels a side",
                     kMaxScale);
    }
  }
  return absl::OkStatus();
}

Status GraphBuilder::Infer(Node& node) const {
  const NodeSpec& spec = node.spec;
  const Node& input = At(node.inputs[0]);
  node.in_channels = node.out_channels = input.out_channels;
  node.is_vector = input.is_vector;
  node.extents = input.extents;
  if (spec.op == Op::kAdd) return InferAdd(node);
  if (spec.op == Op::kRelu) return absl::OkStatus();
  if (spec.op == Op::kLinear) {
    if (!input.is_vector) {
      return Invalid(
          "linear needs a vector; the global average pool ('gap') "
          "makes one of an image");
    }
    node.out_channels = spec.out_channels;
    return absl::OkStatus();
  }
  if (input.is_vector) {
    return Invalid("{} needs an image, but '{}' gives a vector",
                   ToString(spec.op), input.spec.name);
  }
  if (spec.op == Op::kGlobalAveragePool) node.is_vector = true;
  if (spec.op == Op::kConv2d) node.out_channels = spec.out_channels;
  const bool grouped = spec.op == Op::kConv2d || spec.op == Op::kGroupNorm;
  if (grouped && (node.in_channels % spec.groups != 0 ||
                  node.out_channels % spec.groups != 0)) {
    return Invalid(
        "{} input and {} output channels do not divide into {} "
        "groups",
        node.in_channels, node.out_channels, spec.groups);
  }
  return HasWindow(spec.op) ? InferWindow(node) : absl::OkStatus();
}

Status GraphBuilder::Append(const NodeSpec& spec) {
  FEDGAP_RETURN_IF_ERROR(CheckNodeFields(spec));
  Node node;
  node.spec = spec;
  FEDGAP_ASSIGN_OR_RETURN(node.inputs, ResolveInputs(spec));
  FEDGAP_RETURN_IF_ERROR(Infer(node));
  const int index = static_cast<int>(graph_.nodes.size());
  if (spec.op == Op::kGlobalAveragePool) {
    if (graph_.pool_node != -1) {
      return Invalid("there is a global average pool already: '{}'",
                     At(graph_.pool_node).spec.name);
    }
    graph_.pool_node = index;
  }
  for (const int input : node.inputs) {
    if (input != Model::kImage) used_[static_cast<std::size_t>(input)] = true;
  }
  graph_.nodes.push_back(std::move(node));
  used_.push_back(false);
  return absl::OkStatus();
}

Status GraphBuilder::CheckWhole() const {
  if (graph_.pool_node == -1) {
    return Invalid("no node is a global average pool ('gap')");
  }
  const Node& last = graph_.nodes.back();
  if (!last.is_vector || last.out_channels != spec_.classes) {
    return Invalid(
        "the last node, '{}', gives {} of {} channels; it must give a vector "
        "of {}, one a class",
        last.spec.name, last.is_vector ? "a vector" : "an image",
        last.out_channels, spec_.classes);
  }
  for (std::size_t i = 0; i + 1 < used_.size(); ++i) {
    if (!used_[i]) {
      return Invalid("nothing uses node '{}'", graph_.nodes[i].spec.name);
    }
  }
  return absl::OkStatus();
}

// The shapes that the header gives.
std::vector<TensorSpec> TensorsOf(const Node& node) {
  const NodeSpec& spec = node.spec;
  const std::int64_t in = node.in_channels;
  const std::int64_t out = node.out_channels;
  std::vector<TensorSpec> tensors;
  const auto add = [&](std::string_view tensor, Shape shape) {
    tensors.push_back(
        {fmt::format("{}.{}", spec.name, tensor), std::move(shape), spec.role});
  };
  switch (spec.op) {
    case Op::kConv2d:
      add("weight", {spec.kernel[0], spec.kernel[1], in / spec.groups, out});
      break;
    case Op::kLinear:
      add("weight", {in, out});
      break;
    case Op::kGroupNorm:
      add("scale", {out});
      add("shift", {out});
      return tensors;
    default:
      return tensors;
  }
  if (spec.bias) add("bias", {out});
  return tensors;
}

Status GraphBuilder::PlaceTensors() {
  std::vector<TensorSpec> tensors;
  for (const Node& node : graph_.nodes) {
    std::ranges::move(TensorsOf(node), std::back_inserter(tensors));
  }
  FEDGAP_ASSIGN_OR_RETURN(graph_.layout, Layout::Create(std::move(tensors)));
  if (graph_.layout.elements() > kMaxParameters) {
    return Invalid("{} parameters are more than the {} that are supported",
                   graph_.layout.elements(), kMaxParameters);
  }
  std::map<std::string_view, ElementRange> ranges;
  const std::vector<TensorSpec>& placed = graph_.layout.tensors();
  for (std::size_t i = 0; i < placed.size(); ++i) {
    ranges[placed[i].name] = graph_.layout.range(i);
  }
  for (Node& node : graph_.nodes) {
    const std::vector<TensorSpec> own = TensorsOf(node);
    if (!own.empty()) node.weight = ranges[own[0].name];
    if (own.size() > 1) node.bias = ranges[own[1].name];
  }
  return absl::OkStatus();
}

StatusOr<ModelGraph> GraphBuilder::Build() {
  for (const NodeSpec& spec : spec_.nodes) {
    const int index = static_cast<int>(graph_.nodes.size());
    FEDGAP_RETURN_IF_ERROR(
        CheckNodeName(spec, static_cast<std::size_t>(index)));
    if (Status status = Append(spec); !status.ok()) {
      return Annotate(status, fmt::format("node '{}'", spec.name));
    }
    if (!index_of_.emplace(spec.name, index).second) {
      return Invalid("two nodes are named '{}'", spec.name);
    }
  }
  FEDGAP_RETURN_IF_ERROR(CheckWhole());
  FEDGAP_RETURN_IF_ERROR(PlaceTensors());
  std::array<std::int64_t, 2> least = {1, 1};
  for (const Node& node : graph_.nodes) {
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const ExtentMap& map = node.extents[axis];
      least[axis] = std::max(least[axis], map.scale - map.offset);
    }
  }
  graph_.min_image_size = {static_cast<int>(least[0]),
                           static_cast<int>(least[1])};
  return std::move(graph_);
}

}  // namespace

StatusOr<ModelGraph> BuildModelGraph(const ModelSpec& spec) {
  FEDGAP_RETURN_IF_ERROR(CheckModelHeader(spec));
  return GraphBuilder(spec).Build();
}

}  // namespace fedgap
