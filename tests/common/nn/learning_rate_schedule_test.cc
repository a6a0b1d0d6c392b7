#include "common/nn/learning_rate_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(LearningRateTest, ConstantStaysAtTheBase) {
  for (const int round : {1, 7, 24, 100}) {
    EXPECT_EQ(LearningRate({}, 0.1, round, 24), 0.1);
  }
}

TEST(LearningRateTest, CosineFollowsItsClosedForm) {
  const LearningRateSchedule schedule{.kind = ScheduleKind::kCosine,
                                      .min_rate = 0.002};
  EXPECT_EQ(LearningRate(schedule, 0.1, 1, 24), 0.1);
  for (int round = 1; round <= 24; ++round) {
    const double expected =
        0.002 +
        0.098 * 0.5 * (1 + std::cos(std::numbers::pi * (round - 1) / 24));
    EXPECT_NEAR(LearningRate(schedule, 0.1, round, 24), expected, 1e-15);
  }
  EXPECT_EQ(LearningRate(schedule, 0.1, 25, 24), 0.002);
  EXPECT_EQ(LearningRate(schedule, 0.1, 1000, 24), 0.002);
}

TEST(LearningRateTest, CosineHalvesHalfWay) {
  EXPECT_NEAR(LearningRate({.kind = ScheduleKind::kCosine}, 0.1, 13, 24), 0.05,
              1e-16);
}

TEST(LearningRateTest, StepFallsAtItsRounds) {
  const LearningRateSchedule schedule{.kind = ScheduleKind::kStep,
                                      .min_rate = 0.01,
                                      .step_rounds = 3,
                                      .decay = 0.5};
  const double expected[] = {0.08, 0.08, 0.08, 0.04, 0.04, 0.04, 0.02,
                             0.02, 0.02, 0.01, 0.01, 0.01, 0.01};
  for (int i = 0; i < 13; ++i) {
    EXPECT_EQ(LearningRate(schedule, 0.08, i + 1, 20), expected[i]) << i;
  }
}

TEST(LearningRateTest, ExponentialFallsEveryRound) {
  const LearningRateSchedule schedule{.kind = ScheduleKind::kExponential,
                                      .decay = 0.97};
  for (int round = 1; round < 300; ++round) {
    const double expected = 0.1 * std::pow(0.97, round - 1);
    EXPECT_NEAR(LearningRate(schedule, 0.1, round, 300) / expected, 1.0, 1e-12);
  }
}

TEST(LearningRateTest, WarmUpRisesEvenlyAndThenTheScheduleBegins) {
  const LearningRateSchedule schedule{.kind = ScheduleKind::kCosine,
                                      .warmup_rounds = 4};
  for (int round = 1; round <= 4; ++round) {
    EXPECT_DOUBLE_EQ(LearningRate(schedule, 0.5, round, 24), 0.1 * round);
  }
  EXPECT_EQ(LearningRate(schedule, 0.5, 5, 24), 0.5);
  EXPECT_NEAR(LearningRate(schedule, 0.5, 15, 24), 0.25, 1e-15);
}

TEST(LearningRateTest, AWarmUpLongerThanTheRunNeverEnds) {
  const LearningRateSchedule schedule{.kind = ScheduleKind::kCosine,
                                      .warmup_rounds = 9};
  EXPECT_DOUBLE_EQ(LearningRate(schedule, 1.0, 5, 5), 0.5);
}

TEST(CheckScheduleTest, RefusesWhatIsOutOfRange) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const struct {
    LearningRateSchedule schedule;
    double base;
    const char* message;
  } rows[] = {
      {{}, 0.0, "learning_rate is 0"},
      {{}, kNan, "learning_rate is nan"},
      {{.warmup_rounds = -1}, 0.1, "warmup_rounds is -1"},
      {{.min_rate = 0.2}, 0.1, "min_rate is 0.2; it must be in [0, 0.1]"},
      {{.min_rate = kNan}, 0.1, "min_rate"},
      {{.step_rounds = 0}, 0.1, "step_rounds is 0"},
      {{.decay = 0.0}, 0.1, "decay is 0"},
      {{.decay = 1.5}, 0.1, "decay is 1.5"},
  };
  for (const auto& row : rows) {
    EXPECT_THAT(
        CheckSchedule(row.schedule, row.base),
        Fails(absl::StatusCode::kInvalidArgument, HasSubstr(row.message)));
  }
  EXPECT_OK(CheckSchedule({}, 0.1));
}

TEST(ScheduleKindTest, EveryNameIsRead) {
  for (int i = 0; i < 4; ++i) {
    const auto kind = static_cast<ScheduleKind>(i);
    ASSERT_OK_AND_ASSIGN(const ScheduleKind again,
                         ScheduleKindFromString(ToString(kind)));
    EXPECT_EQ(again, kind);
  }
  EXPECT_THAT(
      ScheduleKindFromString("cosin"),
      Fails(absl::StatusCode::kInvalidArgument,
            AllOf(HasSubstr("exponential"), HasSubstr("mean 'cosine'?"))));
}

}  // namespace
}  // namespace fedgap
