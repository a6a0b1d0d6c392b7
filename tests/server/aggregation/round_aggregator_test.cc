// The aggregators behind their one interface, and the promises of averaging
// that every weighting keeps or breaks.
#include "server/aggregation/round_aggregator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "server/aggregation/make_round_aggregator.h"
#include "tests/server/aggregation/test_updates.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

constexpr Weighting kWeightings[] = {Weighting::kClient, Weighting::kGroup,
                                     Weighting::kSamples, Weighting::kPixels};

class RoundAggregatorTest : public ::testing::Test {
 protected:
  std::unique_ptr<RoundAggregator> Make(std::int64_t elements) {
    return MakeRoundAggregator(aggregation_, {}, cohort_, elements, pool_)
        .value();
  }
  Aggregate Combine(const std::vector<Contribution>& contributions) {
    const auto aggregator = Make(contributions[0].delta->elements());
    EXPECT_OK(aggregator->Accumulate(contributions));
    return aggregator->Report().value();
  }

  AggregationConfig aggregation_;
  CohortConfig cohort_{.size = 16};
  ThreadPool pool_{1};
};

// The field's oracle: three points on a line.
std::vector<Contribution> Oracle() {
  return {MakeContribution("a", {1, 2, 3}), MakeContribution("b", {4, 5, 6}),
          MakeContribution("c", {7, 8, 9})};
}

TEST_F(RoundAggregatorTest, MeanAndMedianOfTheOracleAgree) {
  for (const StrategyKind strategy :
       {StrategyKind::kFedAvg, StrategyKind::kFedAvgM, StrategyKind::kFedAdam,
        StrategyKind::kMedian}) {
    aggregation_.strategy = strategy;
    EXPECT_EQ(Combine(Oracle()).delta, (Parameters{4, 5, 6}));
  }
}

TEST_F(RoundAggregatorTest, WeightsAsTheFormulasSay) {
  // 10 samples of 100 pixels in group 0; 30 of 300 in group 1, twice.
  const std::vector<Contribution> contributions = {
      MakeContribution("a", {0.0f}, {{0, 10, 1000}}),
      MakeContribution("b", {7.0f}, {{1, 30, 9000}}),
      MakeContribution("c", {7.0f}, {{1, 30, 9000}})};
  const struct {
    Weighting weighting;
    float expected;
  } kCases[] = {{Weighting::kClient, 14.0f / 3},
                {Weighting::kGroup, 3.5f},
                {Weighting::kSamples, 6.0f},
                {Weighting::kPixels, 126.0f / 19}};
  for (const auto& test : kCases) {
    aggregation_.weighting = test.weighting;
    EXPECT_FLOAT_EQ(Combine(contributions).delta[0], test.expected);
  }
}

TEST_F(RoundAggregatorTest, MixedClientsCountInEachOfTheirGroups) {
  aggregation_.weighting = Weighting::kGroup;
  const std::vector<Contribution> contributions = {
      MakeContribution("a", {1.0f}, {{0, 30, 3000}, {1, 10, 9000}}),
      MakeContribution("b", {5.0f}, {{1, 20, 18000}})};
  // Group 0: 1. Group 1: (0.25 x 1 + 5) / 1.25 = 4.2.
  EXPECT_FLOAT_EQ(Combine(contributions).delta[0], 2.6f);
}

TEST_F(RoundAggregatorTest, AppliesTheScaleOfClippedUpdates) {
  std::vector<Contribution> contributions = Oracle();
  for (Contribution& contribution : contributions) contribution.scale = 0.5;
  EXPECT_EQ(Combine(contributions).delta, (Parameters{2, 2.5, 3}));
  aggregation_.strategy = StrategyKind::kMedian;
  EXPECT_EQ(Combine(contributions).delta, (Parameters{2, 2.5, 3}));
}

// Eleven clients of every kind; more than one block of elements.
std::vector<Contribution> MixedCohort(std::int64_t pixel_factor = 1) {
  std::vector<Contribution> contributions;
  for (int i = 0; i < 11; ++i) {
    std::vector<GroupCounts> counts;
    const std::int64_t pixels = i == 4 ? pixel_factor : 1;
    if (i % 2 == 0) counts.push_back({0, 3 + i, (3 + i) * 196 * pixels});
    if (i % 3 != 1) counts.push_back({1, 50 - i, (50 - i) * 784 * pixels});
    if (counts.empty()) counts.push_back({2, 7, 7 * 1600});
    contributions.push_back(MakeContribution(
        "client" + std::to_string(i),
        RandomVector(20001, static_cast<std::uint64_t>(i)), counts));
  }
  return contributions;
}

TEST_F(RoundAggregatorTest, PermutingClientsChangesNothingToTheLastBit) {
  std::vector<Contribution> contributions = MixedCohort();
  CounterRng rng(1, RngPurpose::kSynthetic);
  for (const Weighting weighting : kWeightings) {
    aggregation_.weighting = weighting;
    const Aggregate expected = Combine(contributions);
    for (int repeat = 0; repeat < 3; ++repeat) {
      rng.Shuffle(std::span(contributions));
      const auto aggregator = Make(20001);
      ASSERT_OK(aggregator->Accumulate(std::span(contributions).first(5)));
      for (std::size_t i = 5; i < contributions.size(); ++i) {
        ASSERT_OK(aggregator->Accumulate({&contributions[i], 1}));
      }
      ASSERT_OK_AND_ASSIGN(const Aggregate aggregate, aggregator->Report());
      EXPECT_EQ(aggregate.delta, expected.delta);
      for (std::size_t i = 0; i < contributions.size(); ++i) {
        EXPECT_EQ(aggregate.client_influence[i].influence,
                  expected.client_influence[i].influence);
      }
    }
  }
  aggregation_ = {.strategy = StrategyKind::kMedian};
  const Aggregate median = Combine(contributions);
  rng.Shuffle(std::span(contributions));
  EXPECT_EQ(Combine(contributions).delta, median.delta);
}

TEST_F(RoundAggregatorTest, ThreadsDoNotChangeABit) {
  const std::vector<Contribution> contributions = MixedCohort();
  ThreadPool three(3);
  for (const StrategyKind strategy :
       {StrategyKind::kFedAvg, StrategyKind::kMedian}) {
    aggregation_.strategy = strategy;
    const auto aggregator =
        MakeRoundAggregator(aggregation_, {}, cohort_, 20001, three).value();
    ASSERT_OK(aggregator->Accumulate(contributions));
    EXPECT_EQ(aggregator->Report()->delta, Combine(contributions).delta);
  }
}

// One client's images get four times the pixels; what it learnt stays.
TEST_F(RoundAggregatorTest, PixelsHaveNoSayExceptUnderPixels) {
  for (const Weighting weighting : kWeightings) {
    aggregation_.weighting = weighting;
    const Aggregate before = Combine(MixedCohort());
    const Aggregate after = Combine(MixedCohort(4));
    if (weighting == Weighting::kPixels) {
      EXPECT_NE(before.delta, after.delta);
      EXPECT_GT(after.client_influence[5]
                    .influence,  // client4: client10 stands after client1
                before.client_influence[5].influence);
    } else {
      EXPECT_EQ(before.delta, after.delta);
    }
  }
}

TEST_F(RoundAggregatorTest, PixelInfluenceMovesAsTheFormulaSays) {
  aggregation_.weighting = Weighting::kPixels;
  for (const std::int64_t factor : {1, 2, 10}) {
    const std::vector<Contribution> contributions = {
        MakeContribution("a", {0.0f}, {{0, 10, 1000}}),
        MakeContribution("b", {1.0f}, {{0, 10, 1000 * factor}})};
    const double expected =
        static_cast<double>(factor) / static_cast<double>(factor + 1);
    const Aggregate aggregate = Combine(contributions);
    EXPECT_FLOAT_EQ(aggregate.delta[0], static_cast<float>(expected));
    EXPECT_DOUBLE_EQ(aggregate.client_influence[1].influence, expected);
  }
}

TEST_F(RoundAggregatorTest, ABadUpdateLeavesTheOthers) {
  for (const StrategyKind strategy :
       {StrategyKind::kFedAvg, StrategyKind::kMedian}) {
    aggregation_.strategy = strategy;
    const auto aggregator = Make(3);
    ASSERT_OK(aggregator->Accumulate(Oracle()));
    const Contribution bad[] = {MakeContribution("d", {9, 9, 9}),
                                MakeContribution("e", {9, 9, 9}, {{0, 0, 0}})};
    EXPECT_THAT(aggregator->Accumulate(bad),
                Fails(absl::StatusCode::kInvalidArgument,
                      ::testing::HasSubstr("update of e")));
    const Contribution short_one = MakeContribution("f", {9, 9});
    EXPECT_THAT(aggregator->Accumulate({&short_one, 1}),
                HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_EQ(aggregator->count(), 3);
    EXPECT_EQ(aggregator->Report()->delta, (Parameters{4, 5, 6}));
  }
}

TEST_F(RoundAggregatorTest, HoldsNoMoreThanTheCohort) {
  cohort_.size = 3;
  for (const StrategyKind strategy :
       {StrategyKind::kFedAvg, StrategyKind::kMedian}) {
    aggregation_.strategy = strategy;
    const auto aggregator = Make(3);
    ASSERT_OK(aggregator->Accumulate(Oracle()));
    const Contribution more = MakeContribution("d", {1, 1, 1});
    EXPECT_THAT(aggregator->Accumulate({&more, 1}),
                HasCode(absl::StatusCode::kResourceExhausted));
  }
}

TEST_F(RoundAggregatorTest, ReportsNothingBeforeTheFirst) {
  for (const StrategyKind strategy :
       {StrategyKind::kFedAvg, StrategyKind::kMedian}) {
    aggregation_.strategy = strategy;
    EXPECT_THAT(Make(3)->Report(),
                HasCode(absl::StatusCode::kFailedPrecondition));
  }
}

TEST_F(RoundAggregatorTest, MedianOfAnEvenNumberIsTheMeanOfTheMiddleTwo) {
  aggregation_.strategy = StrategyKind::kMedian;
  std::vector<Contribution> contributions = Oracle();
  contributions.push_back(MakeContribution("d", {100, -100, 7}));
  EXPECT_EQ(Combine(contributions).delta, (Parameters{5.5, 3.5, 6.5}));
  EXPECT_FALSE(Make(3)->streams());
}

TEST_F(RoundAggregatorTest, MedianGivesOneZero) {
  aggregation_.strategy = StrategyKind::kMedian;
  for (const float first : {0.0f, -0.0f}) {
    const std::vector<Contribution> contributions = {
        MakeContribution("a", {first}), MakeContribution("b", {-first}),
        MakeContribution("c", {first})};
    EXPECT_FALSE(std::signbit(Combine(contributions).delta[0]));
  }
}

TEST_F(RoundAggregatorTest, MedianReportsAnUnreadableUpdate) {
  aggregation_.strategy = StrategyKind::kMedian;
  std::vector<Contribution> contributions = Oracle();
  contributions[1].delta =
      std::make_shared<FakeStagedVector>(Parameters{1, 2, 3}, 1);
  const auto aggregator = Make(3);
  ASSERT_OK(aggregator->Accumulate(contributions));
  EXPECT_THAT(aggregator->Report(), Fails(absl::StatusCode::kDataLoss,
                                          ::testing::HasSubstr("update of b")));
}

TEST_F(RoundAggregatorTest, EveryWeightingStartsUnderTheDefaultBounds) {
  cohort_ = {};
  for (const Weighting weighting : kWeightings) {
    aggregation_.weighting = weighting;
    EXPECT_OK(MakeRoundAggregator(aggregation_, {}, cohort_, 10, pool_));
  }
  EXPECT_THAT(MakeRoundAggregator(aggregation_, {.max_abs_delta = 1e9}, cohort_,
                                  10, pool_),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace fedgap
