#include "common/wire/model_spec_wire.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "common/wire/limits.h"
#include "common/wire/message_reader.h"

namespace fedgap {
namespace {

constexpr int kMaxExtent = 65536;

struct OpName {
  Op op;
  v1::Op proto;
};
constexpr OpName kOps[] = {
    {Op::kConv2d, v1::OP_CONV2D},
    {Op::kRelu, v1::OP_RELU},
    {Op::kMaxPool, v1::OP_MAX_POOL},
    {Op::kAvgPool, v1::OP_AVG_POOL},
    {Op::kGroupNorm, v1::OP_GROUP_NORM},
    {Op::kAdd, v1::OP_ADD},
    {Op::kGlobalAveragePool, v1::OP_GLOBAL_AVERAGE_POOL},
    {Op::kLinear, v1::OP_LINEAR},
};

v1::Op OpToProto(Op op) {
  const auto* found = std::find_if(std::begin(kOps), std::end(kOps),
                                   [&](const OpName& o) { return o.op == op; });
  return found->proto;
}

std::optional<Op> OpFromProto(v1::Op proto) {
  for (const OpName& name : kOps) {
    if (name.proto == proto) return name.op;
  }
  return std::nullopt;
}

// The proto values are the roles' plus one; a node that says nothing is
// shared.
v1::TensorRole RoleToProto(TensorRole role) {
  return static_cast<v1::TensorRole>(static_cast<int>(role) + 1);
}

TensorRole ReadRole(MessageReader& in, v1::TensorRole proto) {
  if (proto == v1::TENSOR_ROLE_UNSPECIFIED) return TensorRole::kShared;
  return static_cast<TensorRole>(
      in.Int("role", static_cast<int>(proto), 1, kTensorRoles) - 1);
}

void SetExtent(const std::array<int, 2>& extent, v1::Extent* proto) {
  proto->set_height(extent[0]);
  proto->set_width(extent[1]);
}

std::array<int, 2> ReadExtent(MessageReader& in, std::string_view field,
                              const v1::Extent& proto, int min) {
  return {in.Int(field, proto.height(), min, kMaxExtent),
          in.Int(field, proto.width(), min, kMaxExtent)};
}

bool NodeHasUnknownFields(const v1::NodeSpec& node) {
  return HasUnknownFields(node) || HasUnknownFields(node.kernel()) ||
         HasUnknownFields(node.stride()) || HasUnknownFields(node.padding()) ||
         HasUnknownFields(node.dilation());
}

void NodeToProto(const NodeSpec& node, v1::NodeSpec* proto) {
  proto->set_name(node.name);
  proto->set_op(OpToProto(node.op));
  proto->mutable_inputs()->Assign(node.inputs.begin(), node.inputs.end());
  proto->set_out_channels(node.out_channels);
  SetExtent(node.kernel, proto->mutable_kernel());
  SetExtent(node.stride, proto->mutable_stride());
  SetExtent(node.padding, proto->mutable_padding());
  SetExtent(node.dilation, proto->mutable_dilation());
  proto->set_groups(node.groups);
  proto->set_bias(node.bias);
  proto->set_epsilon(node.epsilon);
  proto->set_role(RoleToProto(node.role));
}

void ReadWindow(MessageReader& in, const v1::NodeSpec& proto, NodeSpec* node) {
  if (proto.has_kernel()) {
    node->kernel = ReadExtent(in, "kernel", proto.kernel(), 1);
  }
  if (proto.has_stride()) {
    node->stride = ReadExtent(in, "stride", proto.stride(), 1);
  }
  if (proto.has_padding()) {
    node->padding = ReadExtent(in, "padding", proto.padding(), 0);
  }
  if (proto.has_dilation()) {
    node->dilation = ReadExtent(in, "dilation", proto.dilation(), 1);
  }
}

StatusOr<NodeSpec> NodeFromProto(const v1::NodeSpec& proto, int index) {
  MessageReader in(fmt::format("model.nodes[{}]", index));
  NodeSpec node;
  in.Require(!NodeHasUnknownFields(proto), "*",
             "has a field that this version does not know");
  node.name = in.Name("name", proto.name(), 1, kMaxNameBytes);
  const std::optional<Op> op = OpFromProto(proto.op());
  in.Require(op.has_value(), "op",
             fmt::format("{} is unknown", static_cast<int>(proto.op())));
  node.op = op.value_or(Op::kRelu);
  in.Integer("inputs", proto.inputs_size(), 0, 2);
  for (const std::string& input : proto.inputs()) {
    node.inputs.push_back(in.Name("inputs", input, 1, kMaxNameBytes));
  }
  node.out_channels =
      in.Int("out_channels", proto.out_channels(), 0, kMaxChannels);
  ReadWindow(in, proto, &node);
  if (proto.has_groups()) {
    node.groups = in.Int("groups", proto.groups(), 1, kMaxChannels);
  }
  if (proto.has_bias()) node.bias = proto.bias();
  if (proto.has_epsilon()) {
    node.epsilon = in.Real("epsilon", proto.epsilon(), 1e-30, 1.0);
  }
  node.role = ReadRole(in, proto.role());
  FEDGAP_RETURN_IF_ERROR(in.status());
  return node;
}

Normalization ReadNormalization(MessageReader& in, const v1::ModelSpec& proto) {
  Normalization normalization;
  in.Integer("mean", proto.mean_size(), 0, kMaxChannels);
  in.Integer("stddev", proto.stddev_size(), 0, kMaxChannels);
  for (const double mean : proto.mean()) {
    normalization.mean.push_back(
        in.Real("mean", mean, -kMaxPixelMean, kMaxPixelMean));
  }
  for (const double stddev : proto.stddev()) {
    normalization.stddev.push_back(
        in.Real("stddev", stddev, kMinPixelStddev, kMaxPixelStddev));
  }
  return normalization;
}

}  // namespace

v1::ModelSpec ToProto(const ModelSpec& spec) {
  v1::ModelSpec proto;
  proto.set_version(spec.version);
  proto.set_name(spec.name);
  proto.set_input_channels(spec.input_channels);
  proto.set_classes(spec.classes);
  proto.mutable_mean()->Assign(spec.normalization.mean.begin(),
                               spec.normalization.mean.end());
  proto.mutable_stddev()->Assign(spec.normalization.stddev.begin(),
                                 spec.normalization.stddev.end());
  for (const NodeSpec& node : spec.nodes) NodeToProto(node, proto.add_nodes());
  return proto;
}

StatusOr<ModelSpec> FromProto(const v1::ModelSpec& proto) {
  if (proto.version() != ModelSpec::kVersion) {
    return absl::FailedPreconditionError(fmt::format(
        "the model has version {}, this program knows version {}; use the "
        "same release of fedgap on both sides",
        proto.version(), ModelSpec::kVersion));
  }
  MessageReader in("model");
  ModelSpec spec;
  spec.version = proto.version();
  in.Require(!HasUnknownFields(proto), "*",
             "has a field that this version does not know");
  spec.name = in.Text("name", proto.name(), kMaxNameBytes);
  spec.input_channels =
      in.Int("input_channels", proto.input_channels(), 1, kMaxChannels);
  spec.classes = in.Int("classes", proto.classes(), 1, kMaxClasses);
  spec.normalization = ReadNormalization(in, proto);
  in.Integer("nodes", proto.nodes_size(), 1, kMaxNodes);
  FEDGAP_RETURN_IF_ERROR(in.status());
  for (int i = 0; i < proto.nodes_size(); ++i) {
    FEDGAP_ASSIGN_OR_RETURN(NodeSpec node, NodeFromProto(proto.nodes(i), i));
    spec.nodes.push_back(std::move(node));
  }
  return spec;
}

}  // namespace fedgap
