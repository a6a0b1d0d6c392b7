#include "server/aggregation/update_validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "tests/server/aggregation/test_updates.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

class UpdateValidationTest : public ::testing::Test {
 protected:
  UpdateValidationTest() {
    evaluation_.groups = ResolutionGroups::Create({16, 24}).value();
    evaluation_.min_class_count = 2;
    layout_ =
        Layout::Create(
            {{"w", {20000}}, {"b", {10}}, {"norm", {5}, TensorRole::kLocal}})
            .value();
    info_.counts = {{0, 10, 1000}, {2, 5, 4000}};
    info_.local_steps = 3;
    info_.train_seconds = 0.5;
    info_.train_metrics = {{0, {10, 4, 1 << 22}}, {2, {5, 5, 0}}};
    info_.held_out_metrics = {{2, {3, 1, 1 << 20}}};
    info_.training = {45, 20, 1 << 24};
    info_.pooled.groups = {{0, 6, {1, 2}, {4, 0, 2}, {1, 2, 0, 0, 3, 4}}};
    delta_ = Parameters(20010, 0.0f);
  }

  UpdateRules Rules() const {
    return {validation_, evaluation_, layout_, 3, 2};
  }
  StatusOr<UpdateFacts> Validate() const {
    return ValidateUpdate(info_, MemoryVector(delta_), Rules());
  }

  ValidationConfig validation_;
  LocalEvaluation evaluation_;
  Layout layout_;
  UpdateInfo info_;
  Parameters delta_;
};

TEST_F(UpdateValidationTest, MeasuresAnUpdateThatCounts) {
  delta_[7] = 3.0f;
  delta_[20009] = -4.0f;
  ASSERT_OK_AND_ASSIGN(const UpdateFacts facts, Validate());
  EXPECT_EQ(facts.norm, 5.0);
  EXPECT_EQ(facts.max_abs, 4.0);
  EXPECT_EQ(facts.scale, 1.0);
  EXPECT_FALSE(facts.clipped());
}

TEST_F(UpdateValidationTest, StagedUpdatesGiveTheSameBits) {
  delta_ = RandomVector(20010, 5);
  ASSERT_OK_AND_ASSIGN(const UpdateFacts facts, Validate());
  ASSERT_OK_AND_ASSIGN(
      const UpdateFacts staged,
      ValidateUpdate(info_, FakeStagedVector(delta_), Rules()));
  EXPECT_EQ(facts.norm, staged.norm);
  EXPECT_EQ(facts.max_abs, staged.max_abs);
  EXPECT_THAT(ValidateUpdate(info_, FakeStagedVector(delta_, 20000), Rules()),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST_F(UpdateValidationTest, NamesTheTensorOfAValueThatIsNotFinite) {
  delta_[20003] = kNan;
  EXPECT_THAT(Validate(), Fails(absl::StatusCode::kInvalidArgument,
                                "NaN at element 3 of tensor b"));
  delta_[17000] = -kInfinity;
  EXPECT_THAT(Validate(), Fails(absl::StatusCode::kInvalidArgument,
                                "an infinite value at element 17000 of "
                                "tensor w"));
}

TEST_F(UpdateValidationTest, RejectsExcess) {
  delta_[1] = -17.0f;
  EXPECT_THAT(Validate(), Fails(absl::StatusCode::kInvalidArgument,
                                HasSubstr("validation.max_abs_delta = 16")));
  delta_[1] = 8.0f;
  validation_.max_update_norm = 7.5;
  EXPECT_THAT(Validate(), Fails(absl::StatusCode::kInvalidArgument,
                                HasSubstr("norm is 8")));
}

TEST_F(UpdateValidationTest, ClipsToTheTighterBound) {
  validation_.on_excess = OnExcess::kClip;
  delta_[1] = -32.0f;
  EXPECT_EQ(Validate()->scale, 0.5);
  validation_.max_update_norm = 8;
  ASSERT_OK_AND_ASSIGN(const UpdateFacts facts, Validate());
  EXPECT_EQ(facts.scale, 0.25);
  EXPECT_TRUE(facts.clipped());
  EXPECT_EQ(facts.norm, 32.0);
  delta_[1] = 8.0f;
  EXPECT_EQ(Validate()->scale, 1.0);
}

TEST_F(UpdateValidationTest, RefusesAnotherLength) {
  delta_.pop_back();
  EXPECT_THAT(Validate(), Fails(absl::StatusCode::kInvalidArgument,
                                HasSubstr("20009 elements")));
}

TEST_F(UpdateValidationTest, NamesTheImpossibleField) {
  const struct {
    const char* message;
    std::function<void(UpdateInfo&)> break_it;
  } kCases[] = {
      {"no samples", [](UpdateInfo& i) { i.counts.clear(); }},
      {"0 samples", [](UpdateInfo& i) { i.counts[0].samples = 0; }},
      {"samples", [](UpdateInfo& i) { i.counts[0].samples = 1LL << 60; }},
      {"does not exist", [](UpdateInfo& i) { i.counts[1].group = 3; }},
      {"local steps", [](UpdateInfo& i) { i.local_steps = -1; }},
      {"local steps", [](UpdateInfo& i) { i.local_steps = 1LL << 62; }},
      {"seconds", [](UpdateInfo& i) { i.train_seconds = kNan; }},
      {"seconds", [](UpdateInfo& i) { i.train_seconds = -1; }},
      {"train metrics: 11 correct of 10",
       [](UpdateInfo& i) { i.train_metrics[0].sums.correct = 11; }},
      {"train metrics over -1",
       [](UpdateInfo& i) { i.train_metrics[0].sums.count = -1; }},
      {"train metrics: a loss sum",
       [](UpdateInfo& i) { i.train_metrics[0].sums.loss_fixed = -1; }},
      {"held-out metrics: a loss sum",
       [](UpdateInfo& i) {
         i.held_out_metrics[0].sums.loss_fixed = 1LL << 60;
       }},
      {"train metrics over 11 samples; the client has at most 10",
       [](UpdateInfo& i) {
         i.train_metrics = {{0, {11, 0, 0}}};
       }},
      {"held-out metrics over 99999986 samples",
       [](UpdateInfo& i) { i.held_out_metrics[0].sums.count = 99'999'986; }},
      {"held-out metrics over 99999985 samples; the client has at most "
       "99999984",
       [](UpdateInfo& i) {
         i.held_out_metrics = {{0, {1, 0, 0}}, {2, {99'999'985, 0, 0}}};
       }},
      {"group 0 after 0", [](UpdateInfo& i) { i.train_metrics[1].group = 0; }},
      {"not below 3", [](UpdateInfo& i) { i.held_out_metrics[0].group = 3; }},
      {"training metrics", [](UpdateInfo& i) { i.training.correct = 46; }},
      {"pooled statistics over 11",
       [](UpdateInfo& i) { i.pooled.groups[0].count = 11; }},
      {"pooled statistics over 1 samples",
       [](UpdateInfo& i) { i.pooled.groups[0].count = 1; }},
      {"pooled statistics cover 1 samples of classes that are withheld",
       [](UpdateInfo& i) { i.pooled.groups[0].count = 7; }},
      {"pooled statistics over 6 samples of resolution group 1",
       [](UpdateInfo& i) { i.pooled.groups[0].group = 1; }},
      {"not ascending",
       [](UpdateInfo& i) { i.pooled.groups.push_back(i.pooled.groups[0]); }},
      {"a pooled mean has 1 elements",
       [](UpdateInfo& i) { i.pooled.groups[0].mean = {1}; }},
      {"a pooled mean is not finite",
       [](UpdateInfo& i) { i.pooled.groups[0].mean[0] = kNan; }},
      {"2 classes instead of 3",
       [](UpdateInfo& i) { i.pooled.groups[0].class_counts.pop_back(); }},
      {"class means has 5 elements",
       [](UpdateInfo& i) { i.pooled.groups[0].class_means.pop_back(); }},
      {"class means is not finite",
       [](UpdateInfo& i) { i.pooled.groups[0].class_means[0] = kInfinity; }},
      {"1 samples of class 0",
       [](UpdateInfo& i) { i.pooled.groups[0].class_counts[0] = 1; }},
      {"-4 samples of class 0",
       [](UpdateInfo& i) { i.pooled.groups[0].class_counts[0] = -4; }},
      {"7 samples of class 2",
       [](UpdateInfo& i) { i.pooled.groups[0].class_counts[2] = 7; }},
      {"class 0 has no samples",
       [](UpdateInfo& i) { i.pooled.groups[0].class_counts[0] = 0; }},
  };
  const UpdateInfo good = info_;
  for (const auto& test : kCases) {
    info_ = good;
    test.break_it(info_);
    EXPECT_THAT(Validate(), Fails(absl::StatusCode::kInvalidArgument,
                                  HasSubstr(test.message)));
  }
}

// What a client sends whose training diverged: every loss at its largest.
TEST_F(UpdateValidationTest, TheLargestLossesCount) {
  const BatchMetrics diverged{
      10, 0,
      static_cast<std::int64_t>(10 * BatchMetrics::kMaxLoss *
                                BatchMetrics::kLossScale)};
  info_.train_metrics = {{0, diverged}};
  info_.training = diverged;
  EXPECT_OK(Validate());
}

TEST_F(UpdateValidationTest, PooledStatisticsAreWhatWasAskedFor) {
  evaluation_.pooled = PooledMode::kMean;
  EXPECT_THAT(Validate(), Fails(absl::StatusCode::kInvalidArgument,
                                HasSubstr("class means were not asked for")));
  info_.pooled.groups[0].class_counts.clear();
  info_.pooled.groups[0].class_means.clear();
  EXPECT_OK(Validate());
  evaluation_.pooled = PooledMode::kOff;
  EXPECT_THAT(Validate(), Fails(absl::StatusCode::kInvalidArgument,
                                HasSubstr("were not asked for")));
  info_.pooled.groups.clear();
  EXPECT_OK(Validate());
}

TEST_F(UpdateValidationTest, EvaluationsNeedMetricsOnly) {
  UpdateInfo info;
  info.held_out_metrics = info_.held_out_metrics;
  EXPECT_OK(ValidateEvaluation(info, Rules()));
  info.held_out_metrics[0].sums.correct = 4;
  EXPECT_THAT(ValidateEvaluation(info, Rules()),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateEvaluation(info_, Rules()),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("pooled")));
}

}  // namespace
}  // namespace fedgap
