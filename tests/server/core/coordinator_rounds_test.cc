// How rounds open, close, are tried again and commit.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "common/base/file_io.h"
#include "server/core/coordinator.h"
#include "tests/server/core/coordinator_fixture.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

// Stands still as ManualClock does, but something happens while one of its
// calls is on the way.
class EventfulClock final : public Clock {
 public:
  Time Now() const override {
    if (calls_left_ > 0 && --calls_left_ == 0) event_();
    return clock_.Now();
  }
  WallTime WallNow() const override { return clock_.WallNow(); }
  void AtCall(int number, std::function<void()> event) {
    calls_left_ = number;
    event_ = std::move(event);
  }

 private:
  ManualClock clock_;
  mutable int calls_left_ = 0;
  std::function<void()> event_;
};

TEST_F(CoordinatorTest, WaitsForEnoughClientsThenAsksEachOnce) {
  Start(SmallConfig());
  Connect("a");
  Connect("b");
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().phase, RunPhase::kWaiting);
  EXPECT_EQ(coordinator_->WaitsFor(),
            "waiting for clients: 2 of 3 connected (a, b)");
  EXPECT_EQ(coordinator_->GetStatus().reason, coordinator_->WaitsFor());
  Connect("c");
  EXPECT_EQ(coordinator_->WaitsFor(), "");
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().phase, RunPhase::kCollecting);
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(Next<TrainTask>(name).round, 1);
  }
}

TEST_F(CoordinatorTest, ATaskIsOverWhenNothingThatIsSentForItCanCount) {
  Start(SmallConfig());
  ConnectAll();
  const TaskId early{"test/1/train/a"};
  EXPECT_TRUE(coordinator_->IsTaskOver({"a"}, early)) << "no round yet";
  Advance();
  std::map<std::string, TaskId> tasks;
  for (const char* name : {"a", "b", "c"}) {
    tasks[name] = Next<TrainTask>(name).id;
  }
  const auto is_over = [&](const std::string& name) {
    return coordinator_->IsTaskOver({name}, tasks.at(name));
  };
  EXPECT_FALSE(is_over("a"));
  EXPECT_TRUE(coordinator_->IsTaskOver({"a"}, tasks["b"]));
  EXPECT_TRUE(coordinator_->IsTaskOver({"stranger"}, tasks["a"]));

  coordinator_->RejectUpload({"a"}, tasks["a"],
                             absl::InvalidArgumentError("bad"));
  EXPECT_TRUE(is_over("a"));
  Disconnect("b");
  EXPECT_FALSE(is_over("b")) << "it is waited for";
  clock_.Advance(seconds(20));
  Advance();
  EXPECT_TRUE(is_over("b"));

  // The deadline aborts the attempt; the next one has the same tasks.
  clock_.Advance(seconds(40));
  ASSERT_OK(coordinator_->Advance());
  ASSERT_EQ(Events<RoundAbortedEvent>().size(), 1U);
  EXPECT_TRUE(is_over("a")) << "rejected";
  EXPECT_TRUE(is_over("b")) << "not there";
  EXPECT_FALSE(is_over("c"));
}

// Somebody holds all the descriptors for a while.
TEST_F(CoordinatorTest, ACommitWithoutADescriptorIsTriedAgain) {
  OpenRound();
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  const Status failure = ErrnoStatus(EMFILE, "create", "round-1");
  for (const int pause : {1, 2, 4, 8, 16, 30, 30}) {
    store_.FailNextCommit(failure);
    EXPECT_EQ(Wake(), clock_.Now() + seconds(pause));
    EXPECT_EQ(coordinator_->GetStatus().last_committed, 0);
    EXPECT_THAT(Events<WarningEvent>().back().message,
                HasSubstr(fmt::format("tried again in {} s", pause)));
    EXPECT_EQ(Wake(), clock_.Now() + seconds(pause)) << "not before";
    clock_.Advance(seconds(pause));
  }
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 1);
  EXPECT_EQ(Events<RoundCommittedEvent>()[0].contributors.size(), 3U);
  EXPECT_EQ(Next<TrainTask>("a").round, 2);
}

TEST_F(CoordinatorTest, NoTaskOutlivesItsRound) {
  OpenRound();
  const TaskId task = Next<TrainTask>("c").id;
  ASSERT_OK(Answer("a"));
  ASSERT_OK(Answer("b"));
  EXPECT_FALSE(coordinator_->IsTaskOver({"c"}, task));
  clock_.Advance(seconds(60));
  Advance();
  ASSERT_EQ(coordinator_->GetStatus().last_committed, 1);
  EXPECT_TRUE(coordinator_->IsTaskOver({"c"}, task));
}

TEST_F(CoordinatorTest, CommitsTheMeanAndGoesOn) {
  OpenRound();
  const float before = FirstParameter();
  ASSERT_OK(Answer("a", 0.25f));
  ASSERT_OK(Answer("b", 0.5f));
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 0);
  ASSERT_OK(Answer("c", 0.75f));
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 1);
  EXPECT_FLOAT_EQ(FirstParameter() - before, 0.5f);
  const auto committed = Events<RoundCommittedEvent>();
  ASSERT_EQ(committed.size(), 1u);
  EXPECT_EQ(committed[0].ending, "complete");
  EXPECT_EQ(committed[0].contributors.size(), 3u);
  EXPECT_TRUE(
      std::get<CommittedNotice>(Next<CommittedNotice>("a").work).contributed);
  EXPECT_EQ(Next<TrainTask>("a").round, 2);
}

TEST_F(CoordinatorTest, WhoDeclinesATaskIsNotWaitedForAndStays) {
  RunConfig config = SmallConfig();
  config.cohort.deadline_seconds = 0;
  OpenRound(config);
  const Task task = Next<TrainTask>("a");
  ASSERT_OK(coordinator_->Decline({"a"}, {"another/task"}, "no idea"));
  AnswerAllBut("a");
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 0);
  ASSERT_OK(coordinator_->Decline({"a"}, task.id, "no idea"));
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 1);
  const auto rejected = Events<UpdateRejectedEvent>();
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].code, "UNIMPLEMENTED");
  EXPECT_EQ(rejected[0].reason, "declined: no idea");
  EXPECT_EQ(Next<TrainTask>("a").round, 2);
  EXPECT_THAT(coordinator_->Decline({"x"}, task.id, ""),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(CoordinatorTest, WithoutQuorumTheRoundIsRunAgainWithTheSameTasks) {
  RunConfig config = SmallConfig();
  config.cohort.quorum = 1;
  OpenRound(config);
  const Task first = Next<TrainTask>("a");
  ASSERT_OK(Submit("a", MakeUpdate(first, 0.5f)));
  clock_.Advance(std::chrono::seconds(60));
  Advance();
  EXPECT_EQ(Events<RoundAbortedEvent>().size(), 1u);
  Next<AbortedNotice>("a");
  clock_.Advance(std::chrono::seconds(10));
  Advance();
  const Task again = Next<TrainTask>("a");
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.base, first.base);
  ASSERT_OK(Submit("a", MakeUpdate(again, 0.5f)));
  ASSERT_OK(Answer("b"));  // the task of the first attempt is as good
  ASSERT_OK(Answer("c"));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).attempt, 2);
}

TEST_F(CoordinatorTest, NoMoreClientsAreAskedThanTheAccumulatorHolds) {
  RunConfig config = SmallConfig();
  config.cohort.max_size = 2;
  OpenRound(config);
  EXPECT_EQ(coordinator_->GetStatus().cohort, 2);
}

TEST_F(CoordinatorTest, AClientThatWasRejectedIsLeftOutOfTheNextAttempt) {
  RunConfig config = SmallConfig();
  config.cohort.quorum = 1;
  config.cohort.deadline_seconds = 0;
  OpenRound(config);
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Answer("a", kNaN), HasCode(absl::StatusCode::kInvalidArgument));
  AnswerAllBut("a");
  Advance();
  EXPECT_EQ(Events<RoundAbortedEvent>().size(), 1u);
  clock_.Advance(std::chrono::seconds(10));
  Advance();
  AnswerAllBut("a");
  Advance();
  const auto committed = Events<RoundCommittedEvent>();
  ASSERT_EQ(committed.size(), 1u);
  EXPECT_EQ(committed[0].attempt, 2);
  EXPECT_EQ(committed[0].contributors, (std::vector<ClientName>{{"b"}, {"c"}}));
  // The attempts drew from different clients, and the log says so.
  const auto started = Events<RoundStartedEvent>();
  ASSERT_EQ(started.size(), 3u);
  EXPECT_EQ(started[1].eligible, 2);
  EXPECT_NE(started[1].roster, started[0].roster);
  // It is asked again in the next round.
  EXPECT_EQ(Next<TrainTask>("a").round, 2);
  EXPECT_EQ(started[2].roster, started[0].roster);
}

TEST_F(CoordinatorTest, ARoundThatFailsAgainAndAgainFailsTheRun) {
  RunConfig config = SmallConfig();
  config.cohort.deadline_seconds = 0;
  Start(config);
  ConnectAll();
  Status status;
  for (int attempt = 1; attempt <= 20; ++attempt) {
    clock_.Advance(std::chrono::seconds(100));
    Advance();
    for (const char* name : {"a", "b", "c"}) {
      coordinator_->RejectUpload({name}, {}, absl::InvalidArgumentError("x"));
    }
    status = coordinator_->Advance().status();
    if (attempt < 20) {
      ASSERT_OK(status);
    }
  }
  EXPECT_THAT(status, Fails(absl::StatusCode::kAborted,
                            HasSubstr("round 1 failed 20 times")));
  EXPECT_TRUE(coordinator_->finished());
  EXPECT_FALSE(store_.run()->finished);
  EXPECT_THAT(Events<RunFinishedEvent>().at(0).reason,
              HasSubstr("interrupted (round 1 failed"));
}

TEST_F(CoordinatorTest, OneThatGoesInEachAttemptIsLeftOut) {
  RunConfig config = SmallConfig();
  config.cohort.quorum = 1;
  Start(config);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ConnectAll();
    clock_.Advance(std::chrono::seconds(100));
    Advance();
    if (attempt < 3) {
      ASSERT_OK(coordinator_->Leave({"a"}, "tired"));
    }
    for (const char* name : {"b", "c"}) ASSERT_OK(Answer(name));
    Advance();
  }
  const auto started = Events<RoundStartedEvent>();
  ASSERT_GE(started.size(), 3u);
  EXPECT_EQ(started[1].cohort.size(), 3u);
  EXPECT_EQ(started[2].round, 1);
  EXPECT_EQ(started[2].cohort, (std::vector<ClientName>{{"b"}, {"c"}}));
  ASSERT_EQ(Events<RoundCommittedEvent>().size(), 1u);
  EXPECT_THAT(Events<WarningEvent>().at(0).message,
              HasSubstr("a gave no answer in 2 attempts"));
  // It is asked again in the next round.
  EXPECT_EQ(started.at(3).cohort.size(), 3u);
}

TEST_F(CoordinatorTest,
       OneThatNeverAnswersIsLeftOutAndCostsLaterRoundsOneDeadline) {
  RunConfig config = SmallConfig();
  config.cohort.deadline_seconds = 10;
  config.cohort.quorum = 1;
  Start(config);
  ConnectAll();
  for (int attempt = 1; attempt <= 5; ++attempt) {
    Advance();
    for (const char* name : {"b", "c"}) ASSERT_OK(Answer(name));
    const std::size_t committed = Events<RoundCommittedEvent>().size();
    Advance();
    if (Events<RoundCommittedEvent>().size() > committed) continue;
    clock_.Advance(std::chrono::seconds(10));
    Advance();
    clock_.Advance(std::chrono::seconds(10));
  }
  EXPECT_EQ(Events<RoundAbortedEvent>().size(), 3u);
  ASSERT_EQ(Events<RoundCommittedEvent>().size(), 2u);
  for (const RoundCommittedEvent& round : Events<RoundCommittedEvent>()) {
    EXPECT_EQ(round.contributors, (std::vector<ClientName>{{"b"}, {"c"}}));
  }
}

TEST_F(CoordinatorTest, NoRoundStartsWhenTooManyHaveJustGone) {
  EventfulClock clock;
  time_ = &clock;
  Start(SmallConfig());
  ConnectAll();
  // The first call is the decision's, the second that of the start.
  clock.AtCall(2, [this] { Disconnect("b"); });
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().connected, 2);
  EXPECT_EQ(coordinator_->GetStatus().phase, RunPhase::kWaiting);
  EXPECT_EQ(Events<RoundStartedEvent>().size(), 0u);
}

}  // namespace
}  // namespace fedgap
