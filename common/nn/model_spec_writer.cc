// ToJson: the JSON form of docs/MODELS.md.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/nn/model_spec.h"

namespace fedgap {
namespace {

using OrderedJson = nlohmann::ordered_json;

OrderedJson AxesJson(const std::array<int, 2>& values) {
  if (values[0] == values[1]) return values[0];
  return values;
}

// What differs from the default, and what has none.
OrderedJson NodeJson(const NodeSpec& node) {
  const NodeSpec defaults;
  OrderedJson json;
  json["name"] = node.name;
  json["op"] = ToString(node.op);
  if (!node.inputs.empty()) json["inputs"] = node.inputs;
  const bool is_conv = node.op == Op::kConv2d;
  const bool is_pool = node.op == Op::kMaxPool || node.op == Op::kAvgPool;
  const bool is_norm = node.op == Op::kGroupNorm;
  const bool has_bias = is_conv || node.op == Op::kLinear;
  if (has_bias) json["out_channels"] = node.out_channels;
  if (is_conv || is_pool) {
    json["kernel"] = AxesJson(node.kernel);
    if (node.stride != (is_pool ? node.kernel : defaults.stride)) {
      json["stride"] = AxesJson(node.stride);
    }
    if (node.padding != defaults.padding) {
      json["padding"] = AxesJson(node.padding);
    }
  }
  if (is_conv && node.dilation != defaults.dilation) {
    json["dilation"] = AxesJson(node.dilation);
  }
  if (is_norm || (is_conv && node.groups != defaults.groups)) {
    json["groups"] = node.groups;
  }
  if (is_norm && node.epsilon != defaults.epsilon) {
    json["epsilon"] = node.epsilon;
  }
  if (has_bias && !node.bias) json["bias"] = false;
  if ((has_bias || is_norm) && node.role != defaults.role) {
    json["role"] = ToString(node.role);
  }
  return json;
}

std::string Dump(const OrderedJson& json) {
  return json.dump(-1, ' ', /*ensure_ascii=*/true,
                   OrderedJson::error_handler_t::replace);
}

}  // namespace

std::string ToJson(const ModelSpec& spec) {
  std::vector<std::string> nodes;
  for (const NodeSpec& node : spec.nodes) nodes.push_back(Dump(NodeJson(node)));
  OrderedJson normalization;
  normalization["mean"] = spec.normalization.mean;
  normalization["stddev"] = spec.normalization.stddev;
  // One node a line, which no indentation of the library gives.
  return fmt::format(
      "{{\n"
      "  \"version\": {},\n"
      "  \"name\": {},\n"
      "  \"input_channels\": {},\n"
      "  \"classes\": {},\n"
      "  \"normalization\": {},\n"
      "  \"nodes\": [\n    {}\n  ]\n"
      "}}\n",
      spec.version, Dump(spec.name), spec.input_channels, spec.classes,
      Dump(normalization), fmt::join(nodes, ",\n    "));
}

}  // namespace fedgap
