#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/nn/model_spec.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

std::string WithNodes(std::string_view nodes) {
  return R"({"version": 1, "name": "m", "input_channels": 2, "classes": 3,
             "nodes": [)" +
         std::string(nodes) + "]}";
}

NodeSpec OnlyNode(std::string_view json) {
  StatusOr<ModelSpec> spec = ParseModelSpec(WithNodes(json));
  EXPECT_OK(spec);
  return spec.ok() ? spec->nodes.at(0) : NodeSpec{};
}

TEST(ParseModelSpecTest, ReadsEveryKeyOfAConvolution) {
  const NodeSpec node = OnlyNode(
      R"({"name": "c", "op": "conv2d", "inputs": ["input"],
          "out_channels": 6, "kernel": [3, 5], "stride": 2, "padding": [1, 2],
          "dilation": [2, 1], "groups": 2, "bias": false, "role": "local"})");
  NodeSpec expected;
  expected.name = "c";
  expected.op = Op::kConv2d;
  expected.inputs = {"input"};
  expected.out_channels = 6;
  expected.kernel = {3, 5};
  expected.stride = {2, 2};
  expected.padding = {1, 2};
  expected.dilation = {2, 1};
  expected.groups = 2;
  expected.bias = false;
  expected.role = TensorRole::kLocal;
  EXPECT_EQ(node, expected);
}

TEST(ParseModelSpecTest, APoolsStrideIsItsKernelUnlessSaid) {
  EXPECT_EQ(
      OnlyNode(R"({"name": "p", "op": "max_pool", "kernel": [2, 3]})").stride,
      (std::array{2, 3}));
  EXPECT_EQ(
      OnlyNode(R"({"name": "p", "op": "avg_pool", "kernel": 3, "stride": 2})")
          .stride,
      (std::array{2, 2}));
}

TEST(ParseModelSpecTest, ReadsANorm) {
  const NodeSpec node = OnlyNode(
      R"({"name": "n", "op": "group_norm", "groups": 4, "epsilon": 1e-3,
          "role": "per_group"})");
  EXPECT_EQ(node.groups, 4);
  EXPECT_EQ(node.epsilon, 1e-3);
  EXPECT_EQ(node.role, TensorRole::kPerGroup);
}

TEST(ParseModelSpecTest, TheNormalizationHasADefault) {
  ASSERT_OK_AND_ASSIGN(const ModelSpec spec, ParseModelSpec(WithNodes("")));
  EXPECT_EQ(spec.normalization, DefaultNormalization(2));
}

TEST(ParseModelSpecTest, ReadsTheNormalization) {
  ASSERT_OK_AND_ASSIGN(
      const ModelSpec spec,
      ParseModelSpec(R"({"version": 1, "name": "m", "input_channels": 2,
        "classes": 3, "nodes": [],
        "normalization": {"mean": [0.1, 0], "stddev": [1, 0.3]}})"));
  EXPECT_EQ(spec.normalization, (Normalization{{0.1, 0.0}, {1.0, 0.3}}));
}

TEST(ToJsonTest, GivesBackEverySpec) {
  ModelSpec spec;
  spec.name = "odd \"name\"";
  spec.input_channels = 3;
  spec.classes = 7;
  spec.normalization = {{0.1, 1.0 / 3.0, -2e-9}, {1.0, 0.3, 5e10}};
  for (const Op op :
       {Op::kConv2d, Op::kRelu, Op::kMaxPool, Op::kAvgPool, Op::kGroupNorm,
        Op::kAdd, Op::kGlobalAveragePool, Op::kLinear}) {
    NodeSpec& node = spec.nodes.emplace_back();
    node.name = ToString(op);
    node.op = op;
    node.inputs = {"a", "b"};
  }
  NodeSpec& conv = spec.nodes[0];
  conv.out_channels = 12;
  conv.kernel = {3, 1};
  conv.stride = {1, 2};
  conv.padding = {1, 0};
  conv.dilation = {4, 4};
  conv.groups = 3;
  conv.bias = false;
  conv.role = TensorRole::kLocal;
  spec.nodes[2].kernel = {2, 3};  // stride 1: not the default of a pool
  spec.nodes[4].groups = 1;
  spec.nodes[4].epsilon = 0.1;
  spec.nodes[7].out_channels = 7;
  ASSERT_OK_AND_ASSIGN(const ModelSpec again, ParseModelSpec(ToJson(spec)));
  EXPECT_EQ(again, spec);
}

TEST(ToJsonTest, WritesOneNodeALine) {
  ModelSpec spec;
  spec.name = "m";
  spec.normalization = DefaultNormalization(1);
  NodeSpec& node = spec.nodes.emplace_back();
  node.name = "pool";
  node.op = Op::kMaxPool;
  node.kernel = node.stride = {2, 2};
  EXPECT_EQ(ToJson(spec), R"({
  "version": 1,
  "name": "m",
  "input_channels": 1,
  "classes": 10,
  "normalization": {"mean":[0.5],"stddev":[0.5]},
  "nodes": [
    {"name":"pool","op":"max_pool","kernel":2}
  ]
}
)");
}

TEST(OpTest, EveryNameIsRead) {
  for (int i = 0; i <= static_cast<int>(Op::kLinear); ++i) {
    const Op op = static_cast<Op>(i);
    ASSERT_OK_AND_ASSIGN(const Op again, OpFromString(ToString(op)));
    EXPECT_EQ(again, op);
  }
}

struct BadJson {
  const char* name;
  std::string json;
  const char* message;
};

std::string JsonTestName(const ::testing::TestParamInfo<BadJson>& parameter) {
  return parameter.param.name;
}

class BadModelJsonTest : public ::testing::TestWithParam<BadJson> {};

TEST_P(BadModelJsonTest, IsRefusedWithTheReason) {
  EXPECT_THAT(
      ParseModelSpec(GetParam().json),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Form, BadModelJsonTest,
    ::testing::Values(
        BadJson{"Empty", "", "not valid JSON at line 1, column 1"},
        BadJson{"Syntax", "{\n  \"version\": 1,\n  name: 3}",
                "not valid JSON at line 3, column 4"},
        BadJson{"TrailingText", "{} x", "not valid JSON at line 1, column 4"},
        BadJson{"Utf8", "{\"a\": \"\xff\"}", "not valid JSON"},
        BadJson{"HugeNumber", R"({"version": 1e999})", "not valid JSON"},
        BadJson{"TwiceTheSameKey", R"({"version": 1, "version": 1})",
                "key 'version' stands twice"},
        BadJson{"Deep", std::string(40, '['), "nested deeper"},
        BadJson{"NoObject", "[]", "model: must be an object"},
        BadJson{"NoVersion", "{}", "'version' is missing"},
        BadJson{"OtherVersion", R"({"version": 2, "layers": []})",
                "version 2 is not supported; this program reads version 1"},
        BadJson{"VersionText", R"({"version": "1"})",
                "version \"1\" is not supported"}),
    JsonTestName);

INSTANTIATE_TEST_SUITE_P(
    Root, BadModelJsonTest,
    ::testing::Values(
        BadJson{"MissingKey", R"({"version": 1, "name": "m"})",
                "model: the key 'input_channels' is missing"},
        BadJson{"MisspeltKey",
                R"({"version": 1, "name": "m", "input_channels": 1,
                    "clases": 10, "nodes": []})",
                "unknown key 'clases' (known here: version, name, "
                "input_channels, classes, normalization, nodes); did you mean "
                "'classes'?"},
        BadJson{"NodesType",
                R"({"version": 1, "name": "m", "input_channels": 1,
                    "classes": 10, "nodes": {}})",
                "'nodes' must be an array"},
        BadJson{"NameType",
                R"({"version": 1, "name": 5, "input_channels": 1,
                    "classes": 10, "nodes": []})",
                "model: 'name' must be a string, not 5"},
        BadJson{"Fraction",
                R"({"version": 1, "name": "m", "input_channels": 1.5,
                    "classes": 10, "nodes": []})",
                "'input_channels' must be an integer, not 1.5"},
        BadJson{"TooLarge",
                R"({"version": 1, "name": "m", "input_channels": 3000000000,
                    "classes": 10, "nodes": []})",
                "must be an integer of 32 bits"},
        BadJson{"NormalizationKey",
                R"({"version": 1, "name": "m", "input_channels": 1,
                    "classes": 10, "nodes": [],
                    "normalization": {"mean": [0], "std": [1]}})",
                "normalization: unknown key 'std'"},
        BadJson{"NormalizationType",
                R"({"version": 1, "name": "m", "input_channels": 1,
                    "classes": 10, "nodes": [],
                    "normalization": {"mean": 0.5, "stddev": [1]}})",
                "'mean' must be an array of numbers, not 0.5"}),
    JsonTestName);

INSTANTIATE_TEST_SUITE_P(
    Nodes, BadModelJsonTest,
    ::testing::Values(
        BadJson{"NodeType", WithNodes("3"), "nodes[0]: must be an object"},
        BadJson{"NoName", WithNodes(R"({"op": "relu"})"),
                "nodes[0]: the key 'name' is missing"},
        BadJson{"NoOp", WithNodes(R"({"name": "a"})"),
                "node 'a': the key 'op' is missing"},
        BadJson{"UnknownOp", WithNodes(R"({"name": "a", "op": "conv"})"),
                "node 'a': unknown op 'conv' (known: conv2d, relu"},
        BadJson{"MisspeltKernel",
                WithNodes(R"({"name": "a", "op": "conv2d", "out_channels": 4,
                              "kernle": 3})"),
                "node 'a': unknown key 'kernle'"},
        BadJson{"NoKernel", WithNodes(R"({"name": "a", "op": "max_pool"})"),
                "node 'a': the key 'kernel' is missing"},
        BadJson{"ForeignKey",
                WithNodes(R"({"name": "a", "op": "relu", "kernel": 3})"),
                "node 'a': unknown key 'kernel' (known here: name, op, "
                "inputs)"},
        BadJson{"KernelType",
                WithNodes(R"({"name": "a", "op": "max_pool", "kernel": "3"})"),
                "'kernel' must be an integer or [height, width], not \"3\""},
        BadJson{"KernelOfThree",
                WithNodes(
                    R"({"name": "a", "op": "max_pool", "kernel": [1, 2, 3]})"),
                "must be an integer or [height, width], not [1,2,3]"},
        BadJson{"BiasType",
                WithNodes(R"({"name": "a", "op": "linear", "out_channels": 4,
                              "bias": 0})"),
                "'bias' must be true or false, not 0"},
        BadJson{"EpsilonType",
                WithNodes(R"({"name": "a", "op": "group_norm", "groups": 1,
                              "epsilon": "small"})"),
                "'epsilon' must be a number"},
        BadJson{"InputsType",
                WithNodes(R"({"name": "a", "op": "relu", "inputs": "b"})"),
                "'inputs' must be an array of strings, not \"b\""},
        BadJson{"Role",
                WithNodes(R"({"name": "a", "op": "linear", "out_channels": 4,
                              "role": "mine"})"),
                "unknown tensor role 'mine'"}),
    JsonTestName);

}  // namespace
}  // namespace fedgap
