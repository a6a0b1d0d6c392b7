#include "common/federation/run_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

TEST(RunConfigTest, EnumNamesRoundTrip) {
  for (const auto name : {"client", "group", "samples", "pixels"}) {
    EXPECT_EQ(ToString(WeightingFromString(name).value()), name);
  }
  for (const auto name : {"fedavg", "fedavgm", "fedadam", "median"}) {
    EXPECT_EQ(ToString(StrategyKindFromString(name).value()), name);
  }
  for (const auto name : {"reject", "clip"}) {
    EXPECT_EQ(ToString(OnExcessFromString(name).value()), name);
  }
  EXPECT_THAT(WeightingFromString("clients"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(ValidateTest, TheDefaultsFitTogether) { EXPECT_OK(Validate(RunConfig())); }

TEST(ValidateTest, NamesTheKeysThatDoNotFit) {
  const struct {
    const char* message;
    std::function<void(RunConfig&)> break_it;
  } kCases[] = {
      {"run.seed", [](RunConfig& c) { c.seed = ~0ULL; }},
      {"model.stddev has 0", [](RunConfig& c) { c.model.mean = {0.5}; }},
      {"model.input_channels is 1",
       [](RunConfig& c) {
         c.model.mean = {0.5, 0.5};
         c.model.stddev = {0.5, 0.5};
       }},
      {"learning rate",
       [](RunConfig& c) { c.training.schedule.min_rate = 1.0; }},
      {"training.nesterov",
       [](RunConfig& c) {
         c.training.local.nesterov = true;
         c.training.local.momentum = 0;
       }},
      {"cohort.size = 20000", [](RunConfig& c) { c.cohort.size = 20000; }},
      {"raise aggregation.upload_slots from 16 to 17",
       [](RunConfig& c) {
         c.aggregation.strategy = StrategyKind::kMedian;
         c.cohort.size = 17;
       }},
      {"lower cohort.max_size",
       [](RunConfig& c) { c.aggregation.strategy = StrategyKind::kMedian; }},
      {"median takes no weights",
       [](RunConfig& c) {
         c.aggregation.strategy = StrategyKind::kMedian;
         c.aggregation.weighting = Weighting::kPixels;
         c.cohort.size = 3;
       }},
      {"resolution groups",
       [](RunConfig& c) { c.groups = ResolutionGroups::Create({16}).value(); }},
      {"no evaluation.data",
       [](RunConfig& c) {
         c.evaluation.sizes = {{14, 14}};
       }},
      {"[stop] needs an accuracy",
       [](RunConfig& c) {
         c.stop.target_accuracy = 0.9;
         c.evaluation.local.held_out_fraction = 0;
       }},
  };
  for (const auto& test : kCases) {
    RunConfig config;
    test.break_it(config);
    EXPECT_THAT(Validate(config), Fails(absl::StatusCode::kInvalidArgument,
                                        HasSubstr(test.message)));
  }
}

TEST(ValidateTest, MedianFitsWhereEveryUpdateHasASlot) {
  RunConfig config;
  config.aggregation.strategy = StrategyKind::kMedian;
  config.cohort.size = 16;
  EXPECT_OK(Validate(config));
}

TEST(ValidateTest, ReportsSeveralProblemsTogether) {
  RunConfig config;
  config.model.mean = {0.5};
  config.cohort.size = 20000;
  EXPECT_THAT(Validate(config),
              Fails(absl::StatusCode::kInvalidArgument,
                    ::testing::AllOf(HasSubstr("model.stddev has 0\n"),
                                     HasSubstr("cohort.size"))));
}

}  // namespace
}  // namespace fedgap
