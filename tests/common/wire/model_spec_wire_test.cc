#include "common/wire/model_spec_wire.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/common/wire/malformed_messages.h"

namespace fedgap {
namespace {

NodeSpec EveryField() {
  NodeSpec node;
  node.name = "conv1";
  node.op = Op::kConv2d;
  node.inputs = {"input"};
  node.out_channels = 8;
  node.kernel = {3, 5};
  node.stride = {2, 1};
  node.padding = {1, 2};
  node.dilation = {1, 3};
  node.groups = 4;
  node.bias = false;
  node.epsilon = 1e-3;
  node.role = TensorRole::kLocal;
  return node;
}

ModelSpec SpecOf(std::vector<NodeSpec> nodes) {
  ModelSpec spec;
  spec.name = "test-model";
  spec.input_channels = 3;
  spec.classes = 7;
  spec.normalization = {{0.1, 0.2, 0.3}, {0.5, 0.25, 1.0}};
  spec.nodes = std::move(nodes);
  return spec;
}

StatusOr<ModelSpec> ParseSpec(const v1::ModelSpec& proto) {
  return FromProto(proto);
}

TEST(ModelSpecWireTest, EveryFieldComesBack) {
  const ModelSpec spec = SpecOf({EveryField()});
  ASSERT_OK_AND_ASSIGN(const ModelSpec back, ParseSpec(ToProto(spec)));
  EXPECT_EQ(back, spec);
}

TEST(ModelSpecWireTest, EveryBuiltInModelComesBack) {
  for (const std::string& name : BuiltInModelNames()) {
    ASSERT_OK_AND_ASSIGN(const ModelSpec spec, BuiltInModel(name));
    std::string bytes;
    ASSERT_TRUE(ToProto(spec).SerializeToString(&bytes));
    v1::ModelSpec proto;
    ASSERT_TRUE(proto.ParseFromString(bytes));
    ASSERT_OK_AND_ASSIGN(const ModelSpec back, ParseSpec(proto));
    EXPECT_EQ(back, spec) << name;
  }
}

TEST(ModelSpecWireTest, AbsentFieldsOfANodeAreTheDefaults) {
  v1::ModelSpec proto = ToProto(SpecOf({}));
  v1::NodeSpec* node = proto.add_nodes();
  node->set_name("gap");
  node->set_op(v1::OP_GLOBAL_AVERAGE_POOL);
  ASSERT_OK_AND_ASSIGN(const ModelSpec spec, ParseSpec(proto));
  NodeSpec expected;
  expected.name = "gap";
  expected.op = Op::kGlobalAveragePool;
  EXPECT_EQ(spec.nodes, std::vector{expected});
}

TEST(ModelSpecWireTest, MalformedSpecsAreRefused) {
  using M = v1::ModelSpec;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ExpectRefused<M>(
      ToProto(SpecOf({EveryField()})),
      {
          {"no channels", [](M& m) { m.set_input_channels(0); },
           "model.input_channels is 0; allowed are 1 to 65536"},
          {"no classes", [](M& m) { m.set_classes(-1); }, "model.classes"},
          {"NaN mean", [=](M& m) { m.set_mean(0, nan); }, "model.mean is nan"},
          {"zero stddev", [](M& m) { m.set_stddev(0, 0); }, "model.stddev"},
          {"control character", [](M& m) { m.set_name("a\x1b[2J"); },
           "model.name"},
          {"no nodes", [](M& m) { m.clear_nodes(); }, "model.nodes"},
          {"nameless node", [](M& m) { m.mutable_nodes(0)->set_name(""); },
           "model.nodes[0].name"},
          {"unknown op",
           [](M& m) { m.mutable_nodes(0)->set_op(static_cast<v1::Op>(99)); },
           "model.nodes[0].op 99 is unknown"},
          {"no op", [](M& m) { m.mutable_nodes(0)->clear_op(); }, "op 0"},
          {"unknown role",
           [](M& m) {
             m.mutable_nodes(0)->set_role(static_cast<v1::TensorRole>(5));
           },
           "role is 5"},
          {"three inputs",
           [](M& m) {
             m.mutable_nodes(0)->add_inputs(std::string("a"));
             m.mutable_nodes(0)->add_inputs(std::string("b"));
           },
           "inputs is 3"},
          {"empty kernel",
           [](M& m) { m.mutable_nodes(0)->mutable_kernel()->set_width(0); },
           "kernel is 0"},
          {"negative padding",
           [](M& m) { m.mutable_nodes(0)->mutable_padding()->set_height(-1); },
           "padding is -1"},
          {"huge out_channels",
           [](M& m) { m.mutable_nodes(0)->set_out_channels(1 << 30); },
           "out_channels"},
          {"zero epsilon", [](M& m) { m.mutable_nodes(0)->set_epsilon(0); },
           "epsilon"},
      },
      ParseSpec);
}

TEST(ModelSpecWireTest, AnotherVersionIsNamed) {
  v1::ModelSpec proto = ToProto(SpecOf({EveryField()}));
  proto.set_version(2);
  EXPECT_THAT(ParseSpec(proto),
              Fails(absl::StatusCode::kFailedPrecondition,
                    testing::HasSubstr("version 2, this program knows")));
}

TEST(ModelSpecWireTest, UnknownFieldsAreAnErrorAtEveryDepth) {
  const auto add_field = [](google::protobuf::Message* message) {
    message->GetReflection()->MutableUnknownFields(message)->AddVarint(77, 1);
  };
  v1::ModelSpec top = ToProto(SpecOf({EveryField()}));
  v1::ModelSpec node = top;
  v1::ModelSpec extent = top;
  add_field(&top);
  add_field(node.mutable_nodes(0));
  add_field(extent.mutable_nodes(0)->mutable_stride());
  for (const v1::ModelSpec& proto : {top, node, extent}) {
    EXPECT_THAT(ParseSpec(proto), Fails(absl::StatusCode::kInvalidArgument,
                                        testing::HasSubstr("does not know")));
  }
}

}  // namespace
}  // namespace fedgap
