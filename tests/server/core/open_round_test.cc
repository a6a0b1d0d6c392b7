#include "server/core/open_round.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

class OpenRoundTest : public ::testing::Test {
 protected:
  OpenRound Open() {
    OpenRound::Plan plan;
    plan.run = {"run-1"};
    plan.round = 3;
    ThreadPool pool(1);
    plan.base = std::make_shared<const ModelSnapshot>(Sha256Digest{},
                                                      Parameters(4), 4, pool);
    plan.cohort = {{{"a"}, {"b"}}, 2};
    plan.work = TrainTask{};
    plan.deadline = Clock::Time(std::chrono::seconds(60));
    return OpenRound(std::move(plan));
  }
  const ClientName a_{"a"};
  const ClientName b_{"b"};
};

TEST_F(OpenRoundTest, TasksCarryTheTimeThatIsLeft) {
  const OpenRound round = Open();
  const Task task = round.TaskFor(a_, Clock::Time(std::chrono::seconds(20)));
  EXPECT_EQ(task.time_left, std::chrono::seconds(40));
  EXPECT_EQ(task.id.value, "run-1/3/train/a");
  EXPECT_EQ(task.base, round.plan().base->id());
  // Past the deadline a task still says "hurry" rather than "no deadline".
  EXPECT_GT(round.TaskFor(a_, Clock::Time(std::chrono::seconds(90))).time_left,
            std::chrono::milliseconds(0));
}

TEST_F(OpenRoundTest, WantsOneUpdateOfEachMember) {
  OpenRound round = Open();
  const TaskId task = round.TaskIdOf(a_);
  EXPECT_THAT(round.WantsUpdate(a_, task, "d1"), IsOk());
  round.BeginValidation(a_, "d1");
  EXPECT_THAT(round.WantsUpdate(a_, task, "d1"),
              HasCode(absl::StatusCode::kUnavailable));
  round.Accept(a_);
  ASSERT_OK_AND_ASSIGN(const bool wanted, round.WantsUpdate(a_, task, "d1"));
  EXPECT_FALSE(wanted);
  EXPECT_THAT(round.WantsUpdate(a_, task, "d2"),
              Fails(absl::StatusCode::kAlreadyExists, HasSubstr("d1")));
}

TEST_F(OpenRoundTest, RefusesStrangersOtherTasksAndWhoIsOut) {
  OpenRound round = Open();
  const auto code = absl::StatusCode::kFailedPrecondition;
  EXPECT_THAT(round.WantsUpdate({"c"}, round.TaskIdOf({"c"}), "d"),
              Fails(code, HasSubstr("cohort")));
  EXPECT_THAT(round.WantsUpdate(a_, round.TaskIdOf(b_), "d"), HasCode(code));
  EXPECT_THAT(round.WantsUpdate(a_, {"run-1/2/train/a"}, "d"),
              Fails(code, HasSubstr("run-1/2/train/a")));
  round.Reject(a_);
  EXPECT_THAT(round.WantsUpdate(a_, round.TaskIdOf(a_), "d"),
              Fails(code, HasSubstr("rejected")));
  round.Leave(b_);
  EXPECT_THAT(round.WantsUpdate(b_, round.TaskIdOf(b_), "d"), HasCode(code));
}

TEST_F(OpenRoundTest, CountsItsMembersByState) {
  OpenRound round = Open();
  round.BeginValidation(a_, "d");
  RoundSituation now = round.SituationAt(Clock::Time());
  EXPECT_EQ(now.outstanding, 2);
  EXPECT_FALSE(now.deadline_passed);
  round.Accept(a_);
  round.Leave(b_);
  now = round.SituationAt(Clock::Time(std::chrono::seconds(60)));
  EXPECT_EQ(now.accepted, 1);
  EXPECT_EQ(now.left, 1);
  EXPECT_EQ(now.outstanding, 0);
  EXPECT_TRUE(now.deadline_passed);
}

TEST_F(OpenRoundTest, LeavingAfterTheUpdateCountsChangesNothing) {
  OpenRound round = Open();
  round.BeginValidation(a_, "d");
  round.Accept(a_);
  round.Leave(a_);
  EXPECT_EQ(round.accepted(), 1);
}

}  // namespace
}  // namespace fedgap
