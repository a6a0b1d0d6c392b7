#include "common/nn/scratch_limit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/nn/engine.h"
#include "common/nn/execution_plan.h"
#include "common/nn/model_spec.h"
#include "common/nn/workspace.h"
#include "tests/common/nn/test_networks.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Work = ScratchLimit::Work;

constexpr ImageSize kScratchSizes[] = {{8, 8},   {5, 11},   {61, 40}, {200, 9},
                                       {28, 28}, {123, 77}, {6, 5}};

std::vector<std::pair<std::string, ModelSpec>> ScratchModels() {
  auto models = TestNetworks();
  for (const std::string& name : BuiltInModelNames()) {
    models.emplace_back(name, *BuiltInModel(name, {.width = 8}));
  }
  return models;
}

TEST(ScratchLimitTest, SaysWhatAWorkspaceThenTakes) {
  for (const auto& [name, spec] : ScratchModels()) {
    SCOPED_TRACE(name);
    ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
    for (const Work work :
         {Work::kTraining, Work::kMixedTraining, Work::kInference}) {
      const ExecutionPlan plan(*model, work == Work::kMixedTraining
                                           ? Precision::kBfloat16
                                           : Precision::kFloat32);
      const bool with_gradients = work != Work::kInference;
      const ScratchLimit limit(*model, work);
      for (const ImageSize size : kScratchSizes) {
        SCOPED_TRACE(size.ToString());
        Workspace workspace(plan, with_gradients);
        workspace.Prepare(size);
        EXPECT_EQ(limit.BytesFor(size),
                  static_cast<std::int64_t>(workspace.bytes()));
        // One that has had smaller images before takes no more.
        Workspace grown(plan, with_gradients);
        grown.Prepare({5, 5});
        grown.Prepare(size);
        EXPECT_EQ(grown.bytes(), workspace.bytes());
      }
    }
  }
}

// The packed weights and gradients are the same for every image.
TEST(ScratchLimitTest, SaysWhatTheEnginesThenTake) {
  ASSERT_OK_AND_ASSIGN(const auto spec, BuiltInModel("gap-resnet8", {}));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  const Parameters parameters = model->InitialParameters(1);
  const auto scratch = [&](ImageSize size, Work work) {
    const TestImages images(*model, {size});
    ThreadPool pool(1);
    if (work == Work::kTraining) {
      GradientEngine engine(*model, pool, {});
      Parameters gradient(parameters.size());
      engine.Compute(parameters, images.examples(), gradient);
      return static_cast<std::int64_t>(engine.scratch_bytes());
    }
    InferenceEngine engine(*model, pool);
    engine.Load(parameters);
    engine.Run(images.views(), {}, {});
    return static_cast<std::int64_t>(engine.scratch_bytes());
  };
  for (const Work work : {Work::kTraining, Work::kInference}) {
    const ScratchLimit limit(*model, work);
    EXPECT_EQ(scratch({90, 110}, work) - scratch({14, 14}, work),
              limit.BytesFor({90, 110}) - limit.BytesFor({14, 14}));
  }
}

TEST(ScratchLimitTest, RefusesAPhotographThatWouldTakeGigabytes) {
  ASSERT_OK_AND_ASSIGN(const auto spec, BuiltInModel("gap-cnn-gn", {}));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  const ScratchLimit training(*model, Work::kTraining);
  EXPECT_OK(training.CheckImage({1000, 1000}));
  EXPECT_NEAR(static_cast<double>(training.BytesFor({1000, 1000})), 358e6, 5e7);
  EXPECT_THAT(training.CheckImage({3000, 4000}),
              Fails(kInvalid,
                    AllOf(HasSubstr("3000x4000"), HasSubstr("'gap-cnn-gn'"),
                          HasSubstr("training takes"), HasSubstr("2048 MiB"))));
  EXPECT_THAT(
      training.CheckImage({Model::kMaxImageExtent, Model::kMaxImageExtent}),
      Fails(kInvalid, HasSubstr("is too large")));
}

TEST(ScratchLimitTest, EvaluationTakesLess) {
  ASSERT_OK_AND_ASSIGN(const auto spec, BuiltInModel("gap-cnn-gn", {}));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  const ScratchLimit training(*model, Work::kTraining);
  const ScratchLimit evaluation(*model, Work::kInference);
  EXPECT_LT(evaluation.BytesFor({500, 500}), training.BytesFor({500, 500}));
}

TEST(ScratchLimitTest, TheLimitItselfIsAllowed) {
  ASSERT_OK_AND_ASSIGN(const auto spec, BuiltInModel("gap-cnn-s", {}));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  const std::int64_t bytes =
      ScratchLimit(*model, Work::kTraining).BytesFor({60, 60});
  EXPECT_OK(ScratchLimit(*model, Work::kTraining, bytes).CheckImage({60, 60}));
  EXPECT_THAT(
      ScratchLimit(*model, Work::kTraining, bytes - 1).CheckImage({60, 60}),
      Fails(kInvalid, HasSubstr("60x60")));
}

TEST(ScratchLimitTest, WhatIsTooSmallForTheModelIsRefusedToo) {
  ASSERT_OK_AND_ASSIGN(const auto spec, BuiltInModel("gap-cnn-s", {}));
  ASSERT_OK_AND_ASSIGN(const auto model, Model::Create(spec));
  EXPECT_THAT(ScratchLimit(*model, Work::kTraining).CheckImage({1, 9}),
              Fails(kInvalid, HasSubstr("too small")));
}

}  // namespace
}  // namespace fedgap
