#include "common/nn/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// conv1 (8, 3x3) - relu1 - pool1 (2x2) - gap - head (10).
ModelSpec SmallSpec() {
  return ParseModelSpec(R"({
    "version": 1, "name": "small", "input_channels": 1, "classes": 10,
    "nodes": [
      {"name": "conv1", "op": "conv2d", "out_channels": 8, "kernel": 3},
      {"name": "relu1", "op": "relu"},
      {"name": "pool1", "op": "max_pool", "kernel": 2},
      {"name": "gap", "op": "gap"},
      {"name": "head", "op": "linear", "out_channels": 10}
    ]})")
      .value();
}

std::unique_ptr<const Model> BuiltIn(std::string_view name) {
  return Model::Create(BuiltInModel(name).value()).value();
}

TEST(ModelTest, ResolvesInputsAndInfersChannels) {
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(SmallSpec()));
  const std::vector<Node>& nodes = model->nodes();
  EXPECT_THAT(nodes[0].inputs, ElementsAre(Model::kImage));
  EXPECT_THAT(nodes[4].inputs, ElementsAre(3));
  EXPECT_EQ(nodes[2].in_channels, 8);
  EXPECT_EQ(nodes[4].out_channels, 10);
  EXPECT_FALSE(nodes[2].is_vector);
  EXPECT_TRUE(nodes[3].is_vector);
  EXPECT_EQ(model->pool_node(), 3);
  EXPECT_EQ(model->pooled_channels(), 8);
  EXPECT_EQ(model->classes(), 10);
}

TEST(ModelTest, PlacesTensorsInNodeOrderWeightFirst) {
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(SmallSpec()));
  EXPECT_EQ(model->layout().CanonicalText(),
            "fedgap-layout 1\n"
            "shared f32 conv1.weight 3x3x1x8\n"
            "shared f32 conv1.bias 8\n"
            "shared f32 head.weight 8x10\n"
            "shared f32 head.bias 10\n");
  EXPECT_EQ(model->nodes()[0].weight, (ElementRange{0, 72}));
  EXPECT_EQ(model->nodes()[0].bias, (ElementRange{72, 80}));
  EXPECT_EQ(model->nodes()[1].weight.size(), 0);
  EXPECT_EQ(model->nodes()[4].bias, (ElementRange{160, 170}));
}

TEST(ModelTest, ATensorStandsWhereItsRolePutsIt) {
  ModelSpec spec = SmallSpec();
  spec.nodes[0].role = TensorRole::kLocal;
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  EXPECT_EQ(model->nodes()[4].weight, (ElementRange{0, 80}));
  EXPECT_EQ(model->nodes()[0].weight, (ElementRange{90, 162}));
  EXPECT_EQ(model->layout().federated_range(), (ElementRange{0, 90}));
}

TEST(ModelTest, NodeSizesFollowKernelStridePaddingAndDilation) {
  ModelSpec spec = SmallSpec();
  spec.nodes[0].kernel = {3, 5};
  spec.nodes[0].stride = {2, 1};
  spec.nodes[0].padding = {1, 0};
  spec.nodes[0].dilation = {1, 2};
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  ASSERT_OK_AND_ASSIGN(const std::vector<ImageSize> sizes,
                       model->NodeSizes({23, 37}));
  // (23 + 2 - 3) / 2 + 1 = 12; 37 - (2 * 4 + 1) + 1 = 29.
  EXPECT_THAT(
      sizes, ElementsAre(ImageSize{12, 29}, ImageSize{12, 29}, ImageSize{6, 14},
                         ImageSize{1, 1}, ImageSize{1, 1}));
}

// The closed form of a chain against one step after the other.
TEST(ModelTest, NodeSizesAgreeWithStepByStepComputation) {
  ModelSpec spec = SmallSpec();
  spec.nodes[0].kernel = {4, 7};
  spec.nodes[0].stride = {3, 2};
  spec.nodes[0].padding = {2, 5};
  spec.nodes[2].kernel = {3, 2};
  spec.nodes[2].stride = {2, 5};
  spec.nodes[2].padding = {1, 1};
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  const auto step = [](int x, int kernel, int stride, int padding) {
    const int room = x + 2 * padding - kernel;
    return room < 0 ? 0 : room / stride + 1;
  };
  for (int x = 1; x < 60; ++x) {
    const int height = step(step(x, 4, 3, 2), 3, 2, 1);
    const int width = step(step(x, 7, 2, 5), 2, 5, 1);
    const auto sizes = model->NodeSizes({x, x});
    ASSERT_EQ(sizes.ok(), height > 0 && width > 0) << x;
    if (sizes.ok()) {
      EXPECT_EQ((*sizes)[2], (ImageSize{height, width})) << x;
    }
  }
}

TEST(ModelTest, ATooSmallImageLearnsTheSmallestSizeThatWorks) {
  const auto model = BuiltIn("gap-cnn-s");
  EXPECT_OK(model->CheckImage({4, 4}));
  EXPECT_THAT(model->CheckImage({28, 3}),
              Fails(absl::StatusCode::kInvalidArgument,
                    AllOf(HasSubstr("28x3"), HasSubstr("'pool2'"),
                          HasSubstr("smallest size that works is 4x4"))));
  EXPECT_THAT(model->NodeSizes({1, 28}),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("'pool1'")));
  EXPECT_THAT(BuiltIn("gap-resnet8")->CheckImage({0, 5}),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(model->CheckImage({-7, 5}),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(ModelTest, RefusesAnImageBeyondTheLargest) {
  const auto model = BuiltIn("gap-cnn-s");
  EXPECT_OK(model->CheckImage({Model::kMaxImageExtent, 4}));
  EXPECT_THAT(model->CheckImage({4, Model::kMaxImageExtent + 1}),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("65536")));
}

struct BadSpec {
  const char* name;
  std::function<void(ModelSpec&)> spoil;
  const char* message;
};

std::string BadSpecTestName(
    const ::testing::TestParamInfo<BadSpec>& parameter) {
  return parameter.param.name;
}

class BadModelTest : public ::testing::TestWithParam<BadSpec> {};

TEST_P(BadModelTest, IsRefusedWithTheReason) {
  ModelSpec spec = SmallSpec();
  GetParam().spoil(spec);
  EXPECT_THAT(Model::Create(spec), Fails(absl::StatusCode::kInvalidArgument,
                                         AllOf(HasSubstr("model '"),
                                               HasSubstr(GetParam().message))));
}

NodeSpec MakeNode(std::string name, Op op,
                  std::vector<std::string> inputs = {}) {
  NodeSpec node;
  node.name = std::move(name);
  node.op = op;
  node.inputs = std::move(inputs);
  return node;
}

void Insert(ModelSpec& spec, int before, NodeSpec node) {
  spec.nodes.insert(spec.nodes.begin() + before, std::move(node));
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

INSTANTIATE_TEST_SUITE_P(
    Header, BadModelTest,
    ::testing::Values(
        BadSpec{"Version", [](ModelSpec& s) { s.version = 2; }, "version 2"},
        BadSpec{"Name", [](ModelSpec& s) { s.name = "a b"; }, "name"},
        BadSpec{"NoName", [](ModelSpec& s) { s.name = ""; }, "name"},
        BadSpec{"InputChannels", [](ModelSpec& s) { s.input_channels = 0; },
                "input_channels is 0"},
        BadSpec{"Classes", [](ModelSpec& s) { s.classes = 1; }, "classes is 1"},
        BadSpec{"NormalizationLength",
                [](ModelSpec& s) {
                  s.normalization.mean = {0.1, 0.2, 0.3};
                },
                "3 means and 1 stddevs; with 1 input channels"},
        BadSpec{"NormalizationZero",
                [](ModelSpec& s) { s.normalization.stddev = {0.0}; },
                "the normalization of channel 0"},
        BadSpec{"NormalizationInfinite",
                [](ModelSpec& s) { s.normalization.mean = {kInfinity}; },
                "finite"},
        BadSpec{"NoNodes", [](ModelSpec& s) { s.nodes.clear(); }, "0 nodes"},
        BadSpec{"TooManyNodes", [](ModelSpec& s) { s.nodes.resize(5000); },
                "5000 nodes"}),
    BadSpecTestName);

INSTANTIATE_TEST_SUITE_P(
    Fields, BadModelTest,
    ::testing::Values(
        BadSpec{"Kernel",
                [](ModelSpec& s) {
                  s.nodes[0].kernel = {3, 0};
                },
                "node 'conv1': kernel is 0; it must be in [1, 1024]"},
        BadSpec{"Stride",
                [](ModelSpec& s) {
                  s.nodes[2].stride = {0, 1};
                },
                "node 'pool1': stride is 0"},
        BadSpec{"Padding",
                [](ModelSpec& s) {
                  s.nodes[0].padding = {-1, 0};
                },
                "padding is -1"},
        BadSpec{"Dilation",
                [](ModelSpec& s) {
                  s.nodes[0].dilation = {1, 9999};
                },
                "dilation is 9999"},
        BadSpec{"PoolPadding",
                [](ModelSpec& s) {
                  s.nodes[2].padding = {0, 2};
                },
                "padding of a pool must be smaller than its kernel"},
        BadSpec{"PoolDilation",
                [](ModelSpec& s) {
                  s.nodes[2].dilation = {2, 2};
                },
                "a pool has no dilation"},
        BadSpec{"OutChannels",
                [](ModelSpec& s) { s.nodes[0].out_channels = 0; },
                "out_channels is 0"},
        BadSpec{"Groups", [](ModelSpec& s) { s.nodes[0].groups = 0; },
                "groups is 0"},
        BadSpec{"GroupsDoNotDivide",
                [](ModelSpec& s) { s.nodes[0].groups = 2; },
                "1 input and 8 output channels do not divide into 2 groups"},
        BadSpec{"NormGroupsDoNotDivide",
                [](ModelSpec& s) {
                  s.nodes[1].op = Op::kGroupNorm;
                  s.nodes[1].groups = 3;
                },
                "do not divide into 3 groups"},
        BadSpec{"Epsilon",
                [](ModelSpec& s) {
                  s.nodes[1].op = Op::kGroupNorm;
                  s.nodes[1].epsilon = 0.0;
                },
                "epsilon is 0"},
        BadSpec{"StatisticRole",
                [](ModelSpec& s) { s.nodes[0].role = TensorRole::kStatistic; },
                "conv2d has no statistics"},
        BadSpec{"TooManyParameters",
                [](ModelSpec& s) {
                  s.nodes[0].kernel = {1024, 1024};
                  s.nodes[0].out_channels = 65536;
                },
                "are more than the"},
        BadSpec{"ImpossibleImages",
                [](ModelSpec& s) {
                  s.nodes[0].stride = {1024, 1};
                  s.nodes[2].stride = {1024, 1};
                },
                "node 'pool1': up to here the strides"},
        BadSpec{"PaddingWithoutEnd",
                [](ModelSpec& s) {
                  for (std::size_t i = 1; i <= 40; ++i) {
                    NodeSpec node = MakeNode(std::string(i, 'c'), Op::kConv2d);
                    node.out_channels = 8;
                    node.padding = {1024, 1024};
                    Insert(s, 1, node);
                  }
                },
                "the paddings add more than"}),
    BadSpecTestName);

INSTANTIATE_TEST_SUITE_P(
    Graph, BadModelTest,
    ::testing::Values(
        BadSpec{"NodeName", [](ModelSpec& s) { s.nodes[1].name = ""; },
                "node 1 cannot be named ''"},
        BadSpec{"ReservedName", [](ModelSpec& s) { s.nodes[1].name = "input"; },
                "'input' is the image"},
        BadSpec{"RepeatedName", [](ModelSpec& s) { s.nodes[1].name = "conv1"; },
                "two nodes are named 'conv1'"},
        BadSpec{"UnknownInput",
                [](ModelSpec& s) { s.nodes[2].inputs = {"relu2"}; },
                "node 'pool1': its input 'relu2' is no node; did you mean "
                "'relu1'?"},
        BadSpec{"LaterInput", [](ModelSpec& s) { s.nodes[1].inputs = {"gap"}; },
                "its input 'gap' comes later"},
        BadSpec{"OwnInput", [](ModelSpec& s) { s.nodes[1].inputs = {"relu1"}; },
                "comes later"},
        BadSpec{"TwoInputs",
                [](ModelSpec& s) {
                  s.nodes[1].inputs = {"conv1", "input"};
                },
                "relu takes 1 input, not 2"},
        BadSpec{"AddOfOne", [](ModelSpec& s) { s.nodes[1].op = Op::kAdd; },
                "add takes 2 inputs, not 1"},
        BadSpec{"AddToItself",
                [](ModelSpec& s) {
                  Insert(s, 2, MakeNode("add", Op::kAdd, {"relu1", "relu1"}));
                },
                "adds a node to itself"},
        BadSpec{"AddOfTwoChannelCounts",
                [](ModelSpec& s) {
                  s.nodes[0].padding = {1, 1};
                  Insert(s, 2, MakeNode("add", Op::kAdd, {"relu1", "input"}));
                },
                "node 'add': its inputs have 8 and 1 channels"},
        BadSpec{"AddOfImageAndVector",
                [](ModelSpec& s) {
                  Insert(s, 4, MakeNode("add", Op::kAdd, {"gap", "pool1"}));
                },
                "one of its inputs is an image, the other a vector"},
        // ceil(h / 2) and floor(h / 2) differ for odd sizes only.
        BadSpec{"AddOfSizesThatDifferAtTimes",
                [](ModelSpec& s) {
                  NodeSpec conv = MakeNode("conv2", Op::kConv2d, {"relu1"});
                  conv.out_channels = 8;
                  conv.stride = {2, 2};
                  Insert(s, 3, conv);
                  Insert(s, 4, MakeNode("add", Op::kAdd, {"conv2", "pool1"}));
                },
                "do not have the same height and width for every image"},
        BadSpec{"NoPool",
                [](ModelSpec& s) {
                  s.nodes.erase(s.nodes.begin() + 3, s.nodes.end());
                },
                "no node is a global average pool"},
        BadSpec{"TwoPools",
                [](ModelSpec& s) {
                  Insert(s, 4,
                         MakeNode("gap2", Op::kGlobalAveragePool, {"relu1"}));
                },
                "there is a global average pool already: 'gap'"},
        BadSpec{"SpatialAfterPool",
                [](ModelSpec& s) {
                  Insert(s, 4, MakeNode("pool2", Op::kAvgPool, {"gap"}));
                },
                "avg_pool needs an image, but 'gap' gives a vector"},
        BadSpec{"LinearOnImage",
                [](ModelSpec& s) { s.nodes[4].inputs = {"pool1"}; },
                "linear needs a vector"},
        BadSpec{"LastIsNoClassifier",
                [](ModelSpec& s) { s.nodes[4].out_channels = 9; },
                "the last node, 'head', gives a vector of 9 channels; it must "
                "give a vector of 10"},
        BadSpec{"LastIsAnImage",
                [](ModelSpec& s) {
                  Insert(s, 5, MakeNode("relu3", Op::kRelu, {"relu1"}));
                },
                "gives an image of 8"},
        BadSpec{"Unused",
                [](ModelSpec& s) {
                  Insert(s, 2, MakeNode("lost", Op::kRelu));
                  s.nodes[3].inputs = {"relu1"};
                },
                "nothing uses node 'lost'"}),
    BadSpecTestName);

TEST(ModelTest, BranchesOfOneSizeForEveryImageMayBeAdded) {
  // A strided 3x3 convolution beside a strided 1x1 one: both ceil(h / 2).
  ASSERT_OK_AND_ASSIGN(const auto sizes,
                       BuiltIn("gap-resnet8")->NodeSizes({23, 37}));
  EXPECT_EQ(sizes[sizes.size() - 3], (ImageSize{6, 10}));
}

TEST(ModelTest, InitialParametersAreAFunctionOfTheSeed) {
  const auto model = BuiltIn("gap-cnn-gn");
  const Parameters first = model->InitialParameters(7);
  EXPECT_EQ(first, model->InitialParameters(7));
  EXPECT_NE(first, model->InitialParameters(8));
}

// The same bits on every machine and in every version. Written down from an
// independent Philox in Python: tensors conv1.weight and conv1.bias (fan-in 9),
// the last of head.bias (fan-in 64).
TEST(ModelTest, InitialParametersNeverChange) {
  const Parameters parameters = BuiltIn("gap-cnn-s")->InitialParameters(1);
  EXPECT_EQ(parameters[0], -0x1.0704a6p-5f);
  EXPECT_EQ(parameters[1], -0x1.54713ap-3f);
  EXPECT_EQ(parameters[144], -0x1.4e9724p-3f);
  EXPECT_EQ(parameters[23945], 0x1.bf867ap-5f);
}

TEST(ModelTest, ATensorsInitialValuesDependOnItsNameNotItsPlace) {
  ModelSpec spec = SmallSpec();
  const auto model = Model::Create(spec).value();
  spec.nodes[0].role = TensorRole::kLocal;
  const auto moved = Model::Create(spec).value();
  const Parameters a = model->InitialParameters(3);
  const Parameters b = moved->InitialParameters(3);
  EXPECT_TRUE(std::equal(a.begin(), a.begin() + 72,
                         b.begin() + moved->nodes()[0].weight.begin));
}

TEST(ModelTest, InitialWeightsFillTheirBoundEvenly) {
  const auto model = BuiltIn("gap-cnn-s");
  const Parameters parameters = model->InitialParameters(11);
  const ElementRange range = model->nodes()[3].weight;  // conv2: fan-in 144
  double sum = 0.0, squares = 0.0, largest = 0.0;
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const double value = parameters[static_cast<std::size_t>(i)];
    sum += value;
    squares += value * value;
    largest = std::max(largest, std::abs(value));
  }
  const double bound = 1.0 / 12.0;
  const auto count = static_cast<double>(range.size());
  EXPECT_LE(largest, bound);
  EXPECT_GT(largest, 0.99 * bound);
  EXPECT_NEAR(sum / count, 0.0, 0.03 * bound);
  EXPECT_NEAR(squares / count, bound * bound / 3.0, 0.03 * bound * bound);
}

TEST(ModelTest, NormsStartAsTheIdentity) {
  const auto model = BuiltIn("gap-cnn-gn");
  const Parameters parameters = model->InitialParameters(1);
  const Node& norm = model->nodes()[1];
  EXPECT_EQ(parameters[static_cast<std::size_t>(norm.weight.begin)], 1.0f);
  EXPECT_EQ(parameters[static_cast<std::size_t>(norm.bias.begin)], 0.0f);
}

TEST(ModelTest, CountsTheFlopsOfAStep) {
  // Multiply-adds: 28^2 9 16 + 14^2 9 16 32 + 7^2 9 32 64 + 64 10.
  const auto small = BuiltIn("gap-cnn-s");
  EXPECT_EQ(small->ForwardFlops({28, 28}), 2 * (112896 + 2 * 903168 + 640));
  // The first convolution needs no input gradient: 11.29 MFLOP.
  EXPECT_EQ(small->TrainingFlops({28, 28}),
            2 * (2 * 112896 + 3 * (2 * 903168 + 640)));
  const auto medium =
      Model::Create(BuiltInModel("gap-cnn-m", {.input_channels = 3}).value())
          .value();
  EXPECT_NEAR(static_cast<double>(medium->TrainingFlops({32, 32})), 173.4e6,
              0.05e6);
}

}  // namespace
}  // namespace fedgap
