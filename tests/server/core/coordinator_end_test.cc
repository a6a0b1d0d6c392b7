// How a run stops, pauses, is left off and gone on with.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <utility>

#include "common/base/file_io.h"
#include "server/core/coordinator.h"
#include "tests/server/core/coordinator_fixture.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

// Every model is as good as can be; something happens at each look.
class ContentEvaluator final : public Evaluator {
 public:
  explicit ContentEvaluator(std::function<void()> event)
      : event_(std::move(event)) {}
  StatusOr<ServerEvaluation> Evaluate(std::span<const float>,
                                      const Prototypes&) override {
    event_();
    ServerEvaluation evaluation;
    evaluation.groups = {{0, {10, 10, 0}}};
    evaluation.fairness = Summarize(evaluation.groups);
    return evaluation;
  }

 private:
  std::function<void()> event_;
};

TEST_F(CoordinatorTest, WhoStopsTheRunWaitsForNoDescriptor) {
  OpenRound();
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  const Status failure = ErrnoStatus(EMFILE, "create", "round-1");
  store_.FailNextCommit(failure);
  Advance();
  coordinator_->Interrupt("SIGTERM");
  store_.FailNextCommit(failure);
  EXPECT_THAT(coordinator_->Advance().status(),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(CoordinatorTest, EndsAfterTheLastRoundWithALookAtTheFinalModel) {
  RunConfig config = SmallConfig();
  config.rounds = 1;
  OpenRound(config);
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  for (const char* name : {"a", "b", "c"}) {
    Update update = MakeUpdate(Next<EvaluateTask>(name), 0);
    update.info.held_out_metrics = {{0, {4, 3, 100}}};
    ASSERT_OK(Submit(name, update));
  }
  Advance();
  EXPECT_TRUE(coordinator_->finished());
  const auto looks = Events<FinalEvaluationEvent>();
  ASSERT_EQ(looks.size(), 1u);
  EXPECT_EQ(looks[0].clients, 3);
  EXPECT_EQ(looks[0].client_held_out[0].sums.correct, 9);
  EXPECT_EQ(Next<FinishedNotice>("b").round, 1);
  EXPECT_THAT(
      coordinator_->Join({"d"}, "peer", {}),
      Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("completed")));
}

// Stops after the first round by a rule.
RunConfig SoonContent() {
  RunConfig config = SmallConfig();
  config.rounds = 5;
  config.stop.target_accuracy = 0.9;
  return config;
}

TEST_F(CoordinatorTest, ARunThatStopsEarlyEndsWithALookAtTheFinalModel) {
  ContentEvaluator evaluator([] {});
  evaluator_ = &evaluator;
  OpenRound(SoonContent());
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Look(name));
  Advance();
  EXPECT_TRUE(coordinator_->finished());
  EXPECT_EQ(Events<FinalEvaluationEvent>().size(), 1u);
  EXPECT_THAT(store_.finished(), HasSubstr("target reached"));
}

TEST_F(CoordinatorTest, AnEarlyStopOutlivesAKill) {
  ContentEvaluator evaluator([] {});
  evaluator_ = &evaluator;
  OpenRound(SoonContent());
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  coordinator_.reset();

  OpenRound(SoonContent());
  EXPECT_EQ(Events<RoundStartedEvent>().size(), 1u);
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Look(name));
  Advance();
  EXPECT_TRUE(coordinator_->finished());
  EXPECT_EQ(store_.run()->round, 1);
  EXPECT_THAT(store_.finished(), HasSubstr("target reached"));
}

TEST_F(CoordinatorTest, AnEarlyStopOutlivesASignalWhileItsRoundCloses) {
  ContentEvaluator evaluator([this] { coordinator_->Interrupt("SIGTERM"); });
  evaluator_ = &evaluator;
  OpenRound(SoonContent());
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  EXPECT_TRUE(coordinator_->finished());
  EXPECT_EQ(Events<RunFinishedEvent>().back().reason, "SIGTERM");
  EXPECT_FALSE(store_.run()->finished);

  OpenRound(SoonContent());
  EXPECT_EQ(Events<RoundStartedEvent>().size(), 1u);
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Look(name));
  Advance();
  EXPECT_THAT(store_.finished(), HasSubstr("target reached"));
}

TEST_F(CoordinatorTest, TheFinalLookWaitsAWhileForClientsAfterARestart) {
  RunConfig config = SmallConfig();
  config.rounds = 1;
  OpenRound(config);
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  coordinator_.reset();  // killed before the clients have looked

  Start(config);
  Advance();
  EXPECT_FALSE(coordinator_->finished());
  Connect("a");
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().phase, RunPhase::kWaiting);
  clock_.Advance(std::chrono::seconds(60));
  Advance();
  ASSERT_OK(Look("a"));
  Advance();
  EXPECT_TRUE(coordinator_->finished());
  EXPECT_EQ(Events<FinalEvaluationEvent>().size(), 1u);
}

TEST_F(CoordinatorTest, AfterARestartAContributorIsNotNew) {
  RunConfig config = SmallConfig();
  OpenRound(config);
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  coordinator_.reset();

  Start(config);
  Connect("a");
  Connect("d");
  const auto joins = Events<ClientJoinedEvent>();
  ASSERT_EQ(joins.size(), 5u);
  EXPECT_FALSE(joins[0].returned);
  EXPECT_TRUE(joins[3].returned);
  EXPECT_FALSE(joins[4].returned);
}

TEST_F(CoordinatorTest, AfterARestartPastTheEndNobodyIsWaitedForForEver) {
  RunConfig config = SmallConfig();
  config.rounds = 1;
  OpenRound(config);
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  Start(config);
  const auto wake = coordinator_->Advance();
  ASSERT_OK(wake);
  EXPECT_EQ(*wake, clock_.Now() + std::chrono::seconds(60));
  clock_.Advance(std::chrono::seconds(60));
  Advance();
  EXPECT_TRUE(coordinator_->finished());
  EXPECT_EQ(store_.finished(), "completed");
}

TEST_F(CoordinatorTest, WhileItIsGoingAwayClientsAreToldToComeBack) {
  Start(SmallConfig());
  Connect("a");
  coordinator_->Interrupt("SIGTERM");
  Advance();
  ASSERT_TRUE(coordinator_->finished());
  EXPECT_THAT(coordinator_->Join({"b"}, "peer", {}),
              Fails(absl::StatusCode::kUnavailable, HasSubstr("SIGTERM")));
  EXPECT_THAT(coordinator_->Subscribe({"a"}, {}, std::make_shared<TaskQueue>()),
              HasCode(absl::StatusCode::kUnavailable));
}

TEST_F(CoordinatorTest, TooFewClientsForTooLongLeaveTheRunOff) {
  RunConfig config = SmallConfig();
  config.cohort.wait_seconds = 60;
  Start(config);
  Connect("a");
  Advance();
  clock_.Advance(std::chrono::seconds(59));
  Advance();
  EXPECT_FALSE(coordinator_->finished());
  // A pause is the operator's: the wait begins anew after it.
  coordinator_->Pause("operator ops");
  Advance();
  coordinator_->Resume("operator ops");
  Advance();
  clock_.Advance(std::chrono::seconds(59));
  Advance();
  EXPECT_FALSE(coordinator_->finished());
  clock_.Advance(std::chrono::seconds(1));
  const auto end = coordinator_->Advance();
  EXPECT_THAT(end.status(), Fails(absl::StatusCode::kDeadlineExceeded,
                                  HasSubstr("1 of 3 clients were connected "
                                            "for 60 s")));
  EXPECT_TRUE(coordinator_->finished());
  EXPECT_THAT(Events<RunFinishedEvent>().at(0).reason,
              HasSubstr("interrupted (1 of 3"));
}

TEST_F(CoordinatorTest, WhoWasLostBeforeTheEndMayComeToBeTold) {
  Start(SmallConfig());
  ConnectAll();
  Disconnect("a");
  clock_.Advance(seconds(3));
  Disconnect("b");
  ASSERT_OK(coordinator_->Leave({"c"}, "done"));
  coordinator_->Stop("operator ops", "enough");
  EXPECT_EQ(coordinator_->UntoldUntil(seconds(10)), std::nullopt);
  Advance();
  ASSERT_TRUE(coordinator_->finished());
  EXPECT_EQ(coordinator_->UntoldUntil(seconds(10)), clock_.Now() + seconds(10));
  EXPECT_EQ(coordinator_->UntoldUntil(seconds(0)), std::nullopt);
  Connect("b");
  EXPECT_TRUE(
      std::holds_alternative<FinishedNotice>(queues_["b"]->Pop().value().work));
  EXPECT_EQ(coordinator_->UntoldUntil(seconds(10)), clock_.Now() + seconds(7));
  EXPECT_THAT(coordinator_->Join({"z"}, "here", {}),
              HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_F(CoordinatorTest, AnInterruptedRunGoesOnFromItsLastCommit) {
  OpenRound();
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  const ModelId committed = coordinator_->GetStatus().model;
  const RunId run = coordinator_->GetStatus().run;
  coordinator_->Interrupt("SIGTERM");
  Advance();
  EXPECT_TRUE(coordinator_->finished());

  Start(SmallConfig());
  EXPECT_EQ(coordinator_->GetStatus().run, run);
  EXPECT_EQ(coordinator_->GetStatus().model, committed);
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 1);
  ConnectAll();
  Advance();
  EXPECT_EQ(Next<TrainTask>("a").round, 2);
}

TEST_F(CoordinatorTest, AStoppedRunStaysFinished) {
  Start(SmallConfig());
  Connect("a");
  coordinator_->Stop("operator ops", "enough");
  Advance();
  EXPECT_EQ(std::get<FinishedNotice>(Next<FinishedNotice>("a").work).reason,
            "stopped by operator ops (enough)");
  Start(SmallConfig());
  EXPECT_TRUE(coordinator_->finished());
}

TEST_F(CoordinatorTest, APausedRunStartsNoRound) {
  Start(SmallConfig());
  coordinator_->Pause("operator ops");
  ConnectAll();
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().phase, RunPhase::kPaused);
  coordinator_->Resume("operator ops");
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().phase, RunPhase::kCollecting);
}

TEST_F(CoordinatorTest, APauseIsLoggedOnce) {
  Start(SmallConfig());
  coordinator_->Resume("operator ops");
  coordinator_->Pause("operator ops");
  coordinator_->Pause("operator eve");
  coordinator_->Resume("operator eve");
  const auto pauses = Events<PauseEvent>();
  ASSERT_EQ(pauses.size(), 2U);
  EXPECT_TRUE(pauses[0].paused);
  EXPECT_EQ(pauses[0].by, "operator ops");
  EXPECT_FALSE(pauses[1].paused);
  EXPECT_EQ(pauses[1].by, "operator eve");
}

}  // namespace
}  // namespace fedgap
