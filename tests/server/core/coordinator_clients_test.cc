// Who joins, goes, comes back and speaks for a client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "server/core/coordinator.h"
#include "tests/server/core/coordinator_fixture.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

TEST_F(CoordinatorTest, TheRosterIsOfThoseWhoCanBeAsked) {
  Start(SmallConfig());
  ASSERT_OK(coordinator_->Join({"d"}, "peer", {}));  // no stream yet
  ConnectAll();
  Advance();
  const auto started = Events<RoundStartedEvent>();
  ASSERT_EQ(started.size(), 1u);
  EXPECT_EQ(started[0].eligible, 3);
  EXPECT_EQ(started[0].roster, RosterDigest({{"a"}, {"b"}, {"c"}}));
}

TEST_F(CoordinatorTest, WhoWasAwayForACommitHearsOfItsLastContributionFirst) {
  OpenRound();
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Disconnect("a");
  Advance();
  Connect("d");
  Advance();
  for (const char* name : {"b", "c", "d"}) ASSERT_OK(Answer(name));
  Advance();
  ASSERT_EQ(coordinator_->GetStatus().last_committed, 2);

  const auto expect_both = [this] {
    Connect("a");
    const std::vector<Task> tasks = Drain("a");
    ASSERT_GE(tasks.size(), 2u);
    EXPECT_EQ(tasks[0].round, 1);
    EXPECT_TRUE(std::get<CommittedNotice>(tasks[0].work).contributed);
    EXPECT_EQ(tasks[1].round, 2);
    EXPECT_FALSE(std::get<CommittedNotice>(tasks[1].work).contributed);
    EXPECT_NE(tasks[0].id, tasks[1].id);
  };
  expect_both();
  coordinator_->Interrupt("SIGTERM");
  Advance();
  Start(SmallConfig());
  expect_both();
}

TEST_F(CoordinatorTest, ALostConnectionMayComeBackBeforeTheDeadline) {
  OpenRound();
  Disconnect("a");
  AnswerAllBut("a");
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().phase, RunPhase::kCollecting);
  Connect("a");
  ASSERT_OK(Answer("a"));
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 1);
}

TEST_F(CoordinatorTest, ALostConnectionIsWaitedForSoLongAndNoLonger) {
  OpenRound();
  AnswerAllBut("a");
  clock_.Advance(seconds(10));
  Disconnect("a");
  EXPECT_EQ(Wake(), clock_.Now() + seconds(20));
  EXPECT_EQ(coordinator_->WaitsFor(),
            "round 1 waits for 20 s at most for a, whose connection is lost");
  clock_.Advance(seconds(19));
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 0);
  clock_.Advance(seconds(1));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).ending, "departures");
  EXPECT_THAT(Events<WarningEvent>().at(0).message,
              HasSubstr("round 1 goes on without a"));
}

TEST_F(CoordinatorTest, WithFullQuorumALostClientsRoundIsTriedWithTheOthers) {
  RunConfig config = SmallConfig();
  config.cohort.quorum = 1;
  config.cohort.min_clients = 2;
  OpenRound(config);
  AnswerAllBut("a");
  Disconnect("a");
  clock_.Advance(seconds(20));
  Advance();
  EXPECT_THAT(Events<RoundAbortedEvent>().at(0).reason, HasSubstr("1 left"));
  clock_.Advance(seconds(1));
  Advance();
  AnswerAllBut("a");
  Advance();
  const auto committed = Events<RoundCommittedEvent>();
  EXPECT_EQ(committed.at(0).attempt, 2);
  EXPECT_EQ(committed.at(0).contributors,
            (std::vector<ClientName>{{"b"}, {"c"}}));
}

TEST_F(CoordinatorTest, WhoComesBackTooLateIsAskedAgainInAnOpenRound) {
  OpenRound();
  Disconnect("a");
  clock_.Advance(seconds(20));
  Advance();
  EXPECT_EQ(coordinator_->WaitsFor(), "");
  Connect("a");
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).ending, "complete");
}

TEST_F(CoordinatorTest, WithoutALimitALostConnectionIsWaitedForToTheDeadline) {
  RunConfig config = SmallConfig();
  config.cohort.reconnect_seconds = 0;
  OpenRound(config);
  const Clock::Time deadline = clock_.Now() + seconds(60);
  AnswerAllBut("a");
  Disconnect("a");
  EXPECT_EQ(Wake(), deadline);
  EXPECT_THAT(coordinator_->WaitsFor(),
              HasSubstr("until the round's deadline"));
  clock_.Advance(seconds(60));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).ending, "deadline");
}

TEST_F(CoordinatorTest, AProbeIsAnsweredAndLeavesNoTrace) {
  Start(SmallConfig());
  Connect("a");
  JoinRequest probe;
  probe.probe = true;
  EXPECT_OK(coordinator_->Join({"b"}, "peer", probe));
  probe.instance = 7;
  EXPECT_OK(coordinator_->Join({"a"}, "peer", probe));
  EXPECT_EQ(coordinator_->GetStatus().clients.size(), 1u);
  EXPECT_EQ(coordinator_->GetStatus().clients[0].samples, 10);
  EXPECT_EQ(Events<ClientJoinedEvent>().size(), 1u);
}

TEST_F(CoordinatorTest, ASecondProgramOfAClientWaitsForTheFirstToGo) {
  Start(SmallConfig());
  JoinRequest first;
  first.instance = 1;
  JoinRequest second;
  second.instance = 2;
  ASSERT_OK(coordinator_->Join({"a"}, "here", first));
  const auto queue = std::make_shared<TaskQueue>();
  ASSERT_OK(coordinator_->Subscribe({"a"}, {}, queue));
  for (int attempt = 0; attempt < 2; ++attempt) {
    EXPECT_THAT(coordinator_->Join({"a"}, "there", second),
                Fails(absl::StatusCode::kAborted,
                      HasSubstr("the one at here takes part, the one at there "
                                "must wait")));
  }
  ASSERT_EQ(Events<WarningEvent>().size(), 1u);
  EXPECT_THAT(Events<WarningEvent>()[0].message,
              HasSubstr("two programs use the certificate of a"));
  // The first may come back over another connection at any time.
  EXPECT_OK(coordinator_->Join({"a"}, "here", first));
  coordinator_->Unsubscribe({"a"}, queue.get(), "connection lost");
  EXPECT_OK(coordinator_->Join({"a"}, "there", second));
}

TEST_F(CoordinatorTest, OneThatDoesNotSayWhichProgramItIsIsAnotherToo) {
  Start(SmallConfig());
  JoinRequest first;
  first.instance = 1;
  ASSERT_OK(coordinator_->Join({"a"}, "here", first));
  ASSERT_OK(coordinator_->Subscribe({"a"}, {}, std::make_shared<TaskQueue>()));
  EXPECT_THAT(coordinator_->Join({"a"}, "there", {}),
              HasCode(absl::StatusCode::kAborted));
}

TEST_F(CoordinatorTest, OnlyTheProgramThatJoinedSpeaksForTheClient) {
  Start(SmallConfig());
  EXPECT_OK(coordinator_->CheckInstance({"a"}, "there", 2));  // not joined
  JoinRequest first;
  first.instance = 1;
  ASSERT_OK(coordinator_->Join({"a"}, "here", first));
  EXPECT_OK(coordinator_->CheckInstance({"a"}, "here", 1));
  for (const std::uint64_t instance : {0, 2, 3}) {
    EXPECT_THAT(coordinator_->CheckInstance({"a"}, "there", instance),
                Fails(absl::StatusCode::kAborted,
                      HasSubstr("two programs use the certificate of a")));
  }
  EXPECT_EQ(Events<WarningEvent>().size(), 1u);
  clock_.Advance(std::chrono::minutes(1));
  EXPECT_FALSE(coordinator_->CheckInstance({"a"}, "there", 2).ok());
  EXPECT_EQ(Events<WarningEvent>().size(), 2u);
}

// A program that was refused says goodbye as it is stopped.
TEST_F(CoordinatorTest, AnotherProgramOfTheNameDoesNotSpeakForTheClient) {
  Start(SmallConfig());
  for (const char* name : {"b", "c"}) Connect(name);
  JoinRequest first;
  first.samples = 10;
  first.instance = 1;
  ASSERT_OK(coordinator_->Join({"a"}, "here", first));
  ASSERT_OK(coordinator_->Subscribe({"a"}, {}, std::make_shared<TaskQueue>()));
  Advance();
  JoinRequest second = first;
  second.instance = 2;
  EXPECT_THAT(coordinator_->Join({"a"}, "there", second),
              HasCode(absl::StatusCode::kAborted));
  ASSERT_OK(coordinator_->Leave({"a"}, "stopped", second.instance));
  EXPECT_EQ(coordinator_->GetStatus().connected, 3);
  EXPECT_TRUE(Events<ClientLeftEvent>().empty());
  ASSERT_OK(coordinator_->Leave({"a"}, "stopped", first.instance));
  EXPECT_EQ(coordinator_->GetStatus().connected, 2);
}

TEST_F(CoordinatorTest, ALeaverIsNotWaitedFor) {
  OpenRound();
  AnswerAllBut("a");
  ASSERT_OK(coordinator_->Leave({"a"}, "done for today"));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).ending, "departures");
}

TEST_F(CoordinatorTest, AnExpelledClientIsToldWhyAndNotWaitedFor) {
  OpenRound();
  AnswerAllBut("a");
  const auto connection = queues_["a"];
  const Status why = absl::PermissionDeniedError("revoked");
  // Another connection than the one that is meant: nothing happens.
  ASSERT_OK(coordinator_->Expel({"a"}, why, queues_["b"].get()));
  EXPECT_EQ(coordinator_->GetStatus().connected, 3);
  ASSERT_OK(coordinator_->Expel({"a"}, why, connection.get()));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).ending, "departures");
  EXPECT_EQ(Events<ClientLeftEvent>().at(0).reason, "expelled: revoked");
  StatusOr<Task> task = connection->Pop();
  while (task.ok()) task = connection->Pop();
  EXPECT_THAT(task, HasCode(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(coordinator_->Expel({"a"}, why),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(coordinator_->Expel({"z"}, why),
              HasCode(absl::StatusCode::kNotFound));
}

TEST_F(CoordinatorTest, ASecondConnectionTakesOver) {
  Start(SmallConfig());
  Connect("a");
  const auto first = queues_["a"];
  Connect("a");
  StatusOr<Task> end = first->Pop();
  EXPECT_THAT(end, HasCode(absl::StatusCode::kAborted));
  // The loss of the first is not the loss of the client.
  coordinator_->Unsubscribe({"a"}, first.get(), "connection lost");
  EXPECT_EQ(coordinator_->GetStatus().connected, 1);
}

TEST_F(CoordinatorTest, TheClassesAreToldAndStay) {
  class_names_ = {"cat", "dog"};
  Start(SmallConfig());
  EXPECT_EQ(coordinator_->Join({"a"}, "peer", {}).value().class_names,
            class_names_);
  Coordinator::Options options;
  options.config = SmallConfig();
  options.model = BuiltInModel("gap-cnn-s", {.width = 4}).value();
  const Coordinator::Deps deps = {clock_, store_, events_, nullptr};
  options.class_names = {"dog", "cat"};
  EXPECT_THAT(Coordinator::Create(options, deps),
              Fails(absl::StatusCode::kFailedPrecondition,
                    HasSubstr("cat, dog, not dog, cat")));
  options.class_names = {"dog", "dog"};
  EXPECT_THAT(
      Coordinator::Create(options, deps),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("there twice")));
  options.class_names = std::vector<std::string>(11, "x");
  EXPECT_THAT(
      Coordinator::Create(options, deps),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("11 class names")));
}

TEST_F(CoordinatorTest, RefusesAnotherProtocolVersionNamingBoth) {
  Start(SmallConfig());
  JoinRequest request;
  request.protocol_version = 99;
  EXPECT_THAT(
      coordinator_->Join({"a"}, "peer", request),
      Fails(absl::StatusCode::kFailedPrecondition,
            ::testing::AllOf(HasSubstr("version 99"), HasSubstr("server 2"))));
}

TEST_F(CoordinatorTest, RefusesAnotherLayoutAndStrangers) {
  OpenRound();
  UploadHeader header;
  header.task = Next<TrainTask>("a").id;
  header.elements = 3;
  EXPECT_THAT(coordinator_->BeginUpload({"x"}, header),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(coordinator_->BeginUpload({"a"}, header),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("layout")));
}

}  // namespace
}  // namespace fedgap
