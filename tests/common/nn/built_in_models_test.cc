#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/nn/model.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

struct Expected {
  const char* name;
  std::int64_t parameters;
  ImageSize min_image_size;
};

std::string ModelTestName(const ::testing::TestParamInfo<Expected>& parameter) {
  std::string name = parameter.param.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

class BuiltInModelTest : public ::testing::TestWithParam<Expected> {};

TEST_P(BuiltInModelTest, HasThePublishedParametersAndSmallestImage) {
  ASSERT_OK_AND_ASSIGN(const ModelSpec spec, BuiltInModel(GetParam().name));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  EXPECT_EQ(model->layout().elements(), GetParam().parameters);
  EXPECT_EQ(model->min_image_size(), GetParam().min_image_size);
  EXPECT_EQ(model->spec().name, GetParam().name);
}

TEST_P(BuiltInModelTest, SurvivesTheJsonForm) {
  ASSERT_OK_AND_ASSIGN(
      const ModelSpec spec,
      BuiltInModel(GetParam().name, {.input_channels = 3,
                                     .width = 24,
                                     .norm_role = TensorRole::kPerGroup,
                                     .normalization = {{0.1, 0.2, 1.0 / 3.0},
                                                       {0.5, 0.25, 0.7}}}));
  ASSERT_OK_AND_ASSIGN(const ModelSpec again, ParseModelSpec(ToJson(spec)));
  EXPECT_EQ(again, spec);
}

INSTANTIATE_TEST_SUITE_P(
    All, BuiltInModelTest,
    ::testing::Values(Expected{"gap-cnn-s", 23946, {4, 4}},
                      Expected{"gap-cnn-gn", 24058, {4, 4}},
                      Expected{"gap-cnn-m", 140138, {4, 4}},
                      Expected{"gap-resnet8", 77754, {1, 1}}),
    ModelTestName);

TEST(BuiltInModelsTest, NamesEveryModel) {
  EXPECT_EQ(BuiltInModelNames().size(), 4u);
  for (const std::string& name : BuiltInModelNames()) {
    EXPECT_OK(BuiltInModel(name));
  }
}

TEST(BuiltInModelsTest, WidthScalesEveryConvolution) {
  ASSERT_OK_AND_ASSIGN(const ModelSpec spec,
                       BuiltInModel("gap-cnn-m", {.width = 8}));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  EXPECT_EQ(model->nodes().front().out_channels, 8);
  EXPECT_EQ(model->pooled_channels(), 32);
}

TEST(BuiltInModelsTest, NormsHaveEightChannelsAGroup) {
  const auto groups_of = [](int width) {
    const ModelSpec spec = BuiltInModel("gap-cnn-gn", {.width = width}).value();
    std::vector<int> groups;
    for (const NodeSpec& node : spec.nodes) {
      if (node.op == Op::kGroupNorm) groups.push_back(node.groups);
    }
    return groups;
  };
  EXPECT_EQ(groups_of(16), (std::vector<int>{2, 4, 8}));
  EXPECT_EQ(groups_of(4), (std::vector<int>{1, 1, 2}));
  EXPECT_EQ(groups_of(12), (std::vector<int>{3, 3, 6}));
}

TEST(BuiltInModelsTest, LocalNormsStayOutOfWhatIsFederated) {
  ASSERT_OK_AND_ASSIGN(
      const ModelSpec spec,
      BuiltInModel("gap-cnn-gn", {.norm_role = TensorRole::kLocal}));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  EXPECT_EQ(model->layout().range(TensorRole::kLocal).size(),
            2 * (16 + 32 + 64));
  for (const Node& node : model->nodes()) {
    if (node.spec.op != Op::kGroupNorm) continue;
    EXPECT_GE(node.weight.begin, model->layout().federated_range().end);
  }
}

TEST(BuiltInModelsTest, AnotherNameGetsTheKnownOnes) {
  EXPECT_THAT(BuiltInModel("gap-cnn-ng"),
              Fails(absl::StatusCode::kNotFound,
                    AllOf(HasSubstr("gap-resnet8"),
                          HasSubstr("did you mean 'gap-cnn-gn'?"))));
}

TEST(BuiltInModelsTest, RefusesOptionsOutOfRange) {
  for (const BuiltInModelOptions& options :
       {BuiltInModelOptions{.width = -1}, BuiltInModelOptions{.width = 5000},
        BuiltInModelOptions{.input_channels = 0},
        BuiltInModelOptions{.classes = 1}}) {
    EXPECT_THAT(
        BuiltInModel("gap-cnn-s", options),
        Fails(absl::StatusCode::kInvalidArgument, HasSubstr("gap-cnn-s")));
  }
}

}  // namespace
}  // namespace fedgap
