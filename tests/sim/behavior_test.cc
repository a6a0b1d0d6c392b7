#include "sim/behavior.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fedgap {
namespace {

// Clients of so many megapixels in 100 samples, without data.
class PixelPopulation final : public Population {
 public:
  explicit PixelPopulation(std::vector<std::int64_t> megapixels)
      : megapixels_(std::move(megapixels)) {}
  std::size_t size() const override { return megapixels_.size(); }
  ClientName NameOf(std::size_t i) const override {
    return {std::to_string(1000 + i)};
  }
  std::int64_t SampleCountOf(std::size_t) const override { return 100; }
  std::int64_t PixelsOf(std::size_t i) const override {
    return megapixels_[i] * 1'000'000;
  }
  StatusOr<std::shared_ptr<const DataSource>> DataOf(
      std::size_t) const override {
    return absl::UnimplementedError("no data");
  }
  std::vector<Origin> OriginsOf(std::size_t) const override { return {}; }
  std::vector<std::shared_ptr<const DataSource>> Sources() const override {
    return {};
  }
  bool is_roster() const override { return false; }
  std::string Describe() const override { return "pixels"; }

 private:
  std::vector<std::int64_t> megapixels_;
};

class BehaviorTest : public ::testing::Test {
 protected:
  BehaviorTest() {
    run_.cohort.deadline_seconds = 0;
    simulation_.seconds_per_megapixel = 2;
  }
  VirtualRound Plan(const Population& population, Round round = 1,
                    int attempt = 1) const {
    return Behavior(simulation_, run_, population).Plan(round, attempt);
  }

  SimulationConfig simulation_;
  RunConfig run_;
};

TEST_F(BehaviorTest, IsOffByDefault) {
  const PixelPopulation population({1});
  EXPECT_FALSE(Behavior({}, run_, population).active());
  EXPECT_TRUE(Behavior(simulation_, run_, population).active());
}

TEST_F(BehaviorTest, ARoundTakesAsLongAsItsSlowestClient) {
  run_.training.local.epochs = 3;
  const VirtualRound plan = Plan(PixelPopulation({1, 5, 2}));
  EXPECT_DOUBLE_EQ(plan.seconds, 5 * 2 * 3);
  EXPECT_EQ(plan.contributors, (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(plan.decision.action, RoundAction::kClose);
  EXPECT_EQ(plan.decision.ending, RoundEnding::kComplete);
}

TEST_F(BehaviorTest, StepsTakeAsLongAsTheirBatchesAndNotAnEpoch) {
  run_.training.local.epochs = 3;
  run_.training.local.steps = 40;
  run_.training.local.batch_size = 10;
  EXPECT_DOUBLE_EQ(Plan(PixelPopulation({5})).seconds, 5 * 2 * 4);
  // No batch has more than all samples.
  run_.training.local.batch_size = 1000;
  EXPECT_DOUBLE_EQ(Plan(PixelPopulation({5})).seconds, 5 * 2 * 40);
}

TEST_F(BehaviorTest, OverSelectionTakesTheFirst) {
  run_.cohort.size = 2;
  run_.cohort.over_selection = 2;
  const VirtualRound plan = Plan(PixelPopulation({9, 1, 7, 3}));
  EXPECT_EQ(plan.contributors, (std::vector<std::size_t>{1, 3}));
  EXPECT_DOUBLE_EQ(plan.seconds, 6);
  EXPECT_EQ(plan.late, 2);
  EXPECT_EQ(plan.decision.ending, RoundEnding::kOverSelection);
}

TEST_F(BehaviorTest, TheDeadlineLeavesStragglersOut) {
  run_.cohort.deadline_seconds = 10;
  run_.cohort.quorum = 0.5;
  const VirtualRound plan = Plan(PixelPopulation({1, 2, 50}));
  EXPECT_EQ(plan.contributors, (std::vector<std::size_t>{0, 1}));
  EXPECT_DOUBLE_EQ(plan.seconds, 10);
  EXPECT_EQ(plan.late, 1);
  EXPECT_EQ(plan.decision.ending, RoundEnding::kDeadline);
  run_.cohort.quorum = 1;
  EXPECT_EQ(Plan(PixelPopulation({1, 2, 50})).decision.action,
            RoundAction::kAbort);
}

TEST_F(BehaviorTest, DropOutsNeverAnswerAndAreDrawnAnewEachAttempt) {
  simulation_.drop_out = 0.3;
  run_.cohort.deadline_seconds = 100;
  run_.cohort.quorum = 0.1;
  const PixelPopulation population(std::vector<std::int64_t>(1000, 1));
  const VirtualRound plan = Plan(population);
  EXPECT_NEAR(plan.dropped, 300, 60);
  EXPECT_EQ(plan.contributors.size() + static_cast<std::size_t>(plan.dropped),
            1000u);
  EXPECT_DOUBLE_EQ(plan.seconds, 100);  // the server waits for them
  EXPECT_EQ(Plan(population).contributors, plan.contributors);
  EXPECT_NE(Plan(population, 1, 2).contributors, plan.contributors);
  EXPECT_NE(Plan(population, 2).contributors, plan.contributors);
}

TEST_F(BehaviorTest, OnlyThoseWhoAreThereAreSelected) {
  simulation_.availability = 0.5;
  const PixelPopulation population(std::vector<std::int64_t>(1000, 1));
  const VirtualRound plan = Plan(population);
  EXPECT_NEAR(plan.unavailable, 500, 70);
  EXPECT_EQ(plan.cohort.size(),
            1000u - static_cast<std::size_t>(plan.unavailable));
  run_.cohort.min_clients = 900;
  EXPECT_EQ(Plan(population).decision.action, RoundAction::kAbort);
}

TEST_F(BehaviorTest, SpeedIsTheClientsOwn) {
  simulation_.speed_spread = 1;
  run_.cohort.size = 1;
  const PixelPopulation two({1, 1});
  std::vector<double> seconds;
  for (Round round = 1; round <= 20; ++round) {
    seconds.push_back(Plan(two, round).seconds);
  }
  std::ranges::sort(seconds);
  const auto distinct = std::ranges::unique(seconds);
  EXPECT_EQ(distinct.begin() - seconds.begin(), 2);
}

}  // namespace
}  // namespace fedgap
