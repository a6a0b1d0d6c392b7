#include "server/core/run_progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <utility>

#include "server/aggregation/memory_vector.h"
#include "server/core/memory_run_store.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

// Fails when it is told to.
class FailingEvaluator final : public Evaluator {
 public:
  StatusOr<ServerEvaluation> Evaluate(std::span<const float>,
                                      const Prototypes&) override {
    FEDGAP_RETURN_IF_ERROR(std::exchange(next_error_, Status()));
    return ServerEvaluation{};
  }
  void FailNext(Status error) { next_error_ = std::move(error); }

 private:
  Status next_error_;
};

// Notes where the pooled statistics of a commit stand in memory.
class NotingStore final : public RunStore {
 public:
  StatusOr<std::optional<RestoredRun>> Restore() override {
    return store_.Restore();
  }
  Status Create(const RunRecord& record, const RoundCommit& initial) override {
    return store_.Create(record, initial);
  }
  Status Commit(const RoundCommit& commit) override {
    for (const PooledRecord& record : commit.pooled) {
      pooled_.push_back(record.pooled.groups.at(0).mean.data());
    }
    return store_.Commit(commit);
  }
  StatusOr<std::map<ClientName, Round>> LastContributions() override {
    return store_.LastContributions();
  }
  Status MarkFinished(const std::string& reason, double seconds) override {
    return store_.MarkFinished(reason, seconds);
  }

  MemoryRunStore& memory() { return store_; }
  const std::vector<const float*>& pooled() const { return pooled_; }

 private:
  MemoryRunStore store_;
  std::vector<const float*> pooled_;
};

// One run of two clients, fed by hand.
class Training {
 public:
  explicit Training(StrategyKind strategy = StrategyKind::kFedAvg)
      : config_(ConfigOf(strategy)),
        model_(Model::Create(BuiltInModel("gap-cnn-s", {.width = 4}).value())
                   .value()),
        progress_(config_, *model_, {clock_, store_, events_, &evaluator_}) {
    EXPECT_OK(progress_.Start({}, model_->InitialParameters(1)));
  }

  RunProgress::AcceptedUpdate UpdateOf(const std::string& name,
                                       float value) const {
    RunProgress::AcceptedUpdate update;
    Contribution& contribution = update.contribution;
    contribution.client = {name};
    contribution.info.counts = {{0, 10, 7840}};
    const auto channels = static_cast<std::size_t>(model_->pooled_channels());
    contribution.info.pooled.groups = {
        {0, 10, std::vector<float>(channels, value), {}, {}}};
    contribution.delta = std::make_shared<MemoryVector>(Parameters(
        static_cast<std::size_t>(model_->layout().federated_range().size()),
        value));
    update.task = {"task of " + name};
    return update;
  }

  void Begin() {
    ASSERT_OK(progress_.BeginAttempt());
    std::vector<RunProgress::AcceptedUpdate> updates;
    updates.push_back(UpdateOf("a", 0.5f));
    updates.push_back(UpdateOf("b", 0.25f));
    EXPECT_TRUE(progress_.Accumulate(std::move(updates)).empty());
  }
  Status Commit(Round round) {
    RunProgress::ClosedRound closed;
    closed.round = round;
    return progress_.Commit(closed).status();
  }

  // What another program makes of the store.
  std::unique_ptr<RunProgress> Restored(bool with_model_before = true) {
    auto restored = std::make_unique<RunProgress>(
        config_, *model_,
        RunProgress::Deps{clock_, store_, events_, &evaluator_});
    RestoredRun run = store_.Restore().value().value();
    if (!with_model_before) run.parameters_before.clear();
    EXPECT_OK(restored->Restore(std::move(run)));
    return restored;
  }

  RunProgress& progress() { return progress_; }
  NotingStore& store() { return store_; }
  FailingEvaluator& evaluator() { return evaluator_; }

 private:
  static RunConfig ConfigOf(StrategyKind strategy) {
    RunConfig config;
    config.aggregation.strategy = strategy;
    return config;
  }

  const RunConfig config_;
  ManualClock clock_;
  NotingStore store_;
  RecordingEventSink events_;
  FailingEvaluator evaluator_;
  const std::unique_ptr<const Model> model_;
  RunProgress progress_;
};

TEST(RunProgressTest, ARestoredRunKnowsTheStepBefore) {
  Training training;
  training.Begin();
  ASSERT_OK(training.Commit(1));
  const auto restored = training.Restored();
  const auto before = training.progress().last_delta();
  EXPECT_GT(before->norm, 0);
  EXPECT_EQ(restored->last_delta()->values, before->values);
  EXPECT_EQ(restored->last_delta()->norm, before->norm);
}

TEST(RunProgressTest, WithoutTheModelBeforeThereIsNoStep) {
  Training training;
  EXPECT_EQ(training.Restored()->last_delta()->norm, 0);
  training.Begin();
  ASSERT_OK(training.Commit(1));
  const auto restored = training.Restored(/*with_model_before=*/false);
  EXPECT_EQ(restored->snapshot()->id(), training.progress().snapshot()->id());
  EXPECT_TRUE(restored->last_delta()->values.empty());
}

// The model after two rounds, the first of which was committed at the second
// attempt where `fail` makes the first one fail.
ModelId ModelAfterTwoRounds(void (*fail)(Training&)) {
  Training training(StrategyKind::kFedAvgM);
  training.Begin();
  if (fail != nullptr) {
    fail(training);
    EXPECT_THAT(training.Commit(1),
                Fails(absl::StatusCode::kUnavailable,
                      ::testing::HasSubstr("commit of round 1")));
  }
  EXPECT_OK(training.Commit(1));
  training.Begin();
  EXPECT_OK(training.Commit(2));
  return training.progress().snapshot()->id();
}

TEST(RunProgressTest, AfterAFailedEvaluationTheCommitCanBeMadeAgain) {
  EXPECT_EQ(ModelAfterTwoRounds([](Training& training) {
              training.evaluator().FailNext(absl::UnavailableError("no disk"));
            }),
            ModelAfterTwoRounds(nullptr));
}

TEST(RunProgressTest, AfterAFailedStoreTheCommitCanBeMadeAgain) {
  EXPECT_EQ(ModelAfterTwoRounds([](Training& training) {
              training.store().memory().FailNextCommit(
                  absl::UnavailableError("no disk"));
            }),
            ModelAfterTwoRounds(nullptr));
}

TEST(RunProgressTest, AfterAFailedStoreAnotherAttemptStartsFromTheLastCommit) {
  Training training(StrategyKind::kFedAvgM);
  training.Begin();
  training.store().memory().FailNextCommit(absl::UnavailableError("no disk"));
  EXPECT_THAT(training.Commit(1), HasCode(absl::StatusCode::kUnavailable));
  training.Begin();
  EXPECT_OK(training.Commit(1));
  training.Begin();
  EXPECT_OK(training.Commit(2));
  EXPECT_EQ(training.progress().snapshot()->id(), ModelAfterTwoRounds(nullptr));
}

TEST(RunProgressTest, PooledStatisticsAreThereOnceFromArrivalToCommit) {
  for (const StrategyKind strategy :
       {StrategyKind::kFedAvg, StrategyKind::kMedian}) {
    Training training(strategy);
    ASSERT_OK(training.progress().BeginAttempt());
    std::vector<RunProgress::AcceptedUpdate> updates;
    updates.push_back(training.UpdateOf("a", 0.5f));
    const float* arrived =
        updates[0].contribution.info.pooled.groups[0].mean.data();
    EXPECT_TRUE(training.progress().Accumulate(std::move(updates)).empty());
    ASSERT_OK(training.Commit(1));
    EXPECT_THAT(training.store().pooled(), ::testing::ElementsAre(arrived));
  }
}

}  // namespace
}  // namespace fedgap
