// What becomes of an update: counted, refused, clipped, wanted again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "server/aggregation/memory_vector.h"
#include "server/core/coordinator.h"
#include "tests/server/core/coordinator_fixture.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

// Can be read until it is broken.
class FragileVector final : public VectorSource {
 public:
  explicit FragileVector(Parameters values) : values_(std::move(values)) {}

  std::int64_t elements() const override { return values_.elements(); }
  Status Read(std::int64_t begin, std::span<float> out) const override {
    if (is_broken_) return absl::UnavailableError("read: I/O error");
    return values_.Read(begin, out);
  }
  void Break() { is_broken_ = true; }

 private:
  const MemoryVector values_;
  bool is_broken_ = false;
};

TEST_F(CoordinatorTest, AnUpdateBeyondABoundIsRefusedAndTheLogSaysWhy) {
  RunConfig config = SmallConfig();
  config.validation.max_update_norm = 1;
  OpenRound(config);
  EXPECT_THAT(Answer("a", 0.5f), HasCode(absl::StatusCode::kInvalidArgument));
  ASSERT_OK(Answer("b", 1e-4f));
  ASSERT_OK(Answer("c", 1e-4f));
  Advance();
  const auto rejected = Events<UpdateRejectedEvent>();
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].client.value, "a");
  EXPECT_THAT(rejected[0].reason,
              HasSubstr("more than validation.max_update_norm = 1"));
  EXPECT_EQ(Events<UpdateAcceptedEvent>().size(), 2u);
  EXPECT_LT(Events<RoundCommittedEvent>().at(0).delta_norm, 0.1);
}

TEST_F(CoordinatorTest, AnUpdateBeyondABoundIsClippedAndTheLogSaysSo) {
  RunConfig config = SmallConfig();
  config.validation.max_update_norm = 1;
  config.validation.on_excess = OnExcess::kClip;
  OpenRound(config);
  ASSERT_OK(Answer("a", 0.5f));
  ASSERT_OK(Answer("b", 1e-4f));
  ASSERT_OK(Answer("c", 1e-4f));
  Advance();
  EXPECT_TRUE(Events<UpdateRejectedEvent>().empty());
  const auto accepted = Events<UpdateAcceptedEvent>();
  ASSERT_EQ(accepted.size(), 3u);
  for (const UpdateAcceptedEvent& event : accepted) {
    const bool beyond = event.client.value == "a";
    EXPECT_EQ(event.clipped, beyond) << event.client.value;
    EXPECT_EQ(event.norm > 1, beyond) << "as it came, not as it counts";
  }
  // A third of the bound, and next to nothing from the others.
  EXPECT_NEAR(Events<RoundCommittedEvent>().at(0).delta_norm, 1.0 / 3, 0.01);
}

TEST_F(CoordinatorTest, ABadUpdateEndsItsClientsPartAndNobodyElses) {
  OpenRound();
  const Task task = Next<TrainTask>("a");
  EXPECT_THAT(
      Submit("a", MakeUpdate(task, std::numeric_limits<float>::quiet_NaN())),
      HasCode(absl::StatusCode::kInvalidArgument));
  // Its part in the round is over, even for a good one.
  EXPECT_THAT(Submit("a", MakeUpdate(task, 0.5f)),
              HasCode(absl::StatusCode::kFailedPrecondition));
  AnswerAllBut("a");
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 1);
  const auto rejected = Events<UpdateRejectedEvent>();
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].client.value, "a");
  EXPECT_EQ(rejected[0].code, "INVALID_ARGUMENT");
  // It is asked again in the next round.
  EXPECT_EQ(Next<TrainTask>("a").round, 2);
}

TEST_F(CoordinatorTest, AnUploadThatTheWireRefusesEndsItsClientsPart) {
  RunConfig config = SmallConfig();
  config.cohort.deadline_seconds = 0;
  OpenRound(config);
  const Task task = Next<TrainTask>("a");
  AnswerAllBut("a");
  coordinator_->RejectUpload({"a"}, task.id,
                             absl::InvalidArgumentError("no such codec"));
  EXPECT_THAT(Submit("a", MakeUpdate(task, 0.5f)),
              HasCode(absl::StatusCode::kFailedPrecondition));
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 1);
  const auto rejected = Events<UpdateRejectedEvent>();
  ASSERT_EQ(rejected.size(), 1u);
  EXPECT_EQ(rejected[0].client.value, "a");
  EXPECT_EQ(rejected[0].round, 1);
  EXPECT_EQ(rejected[0].code, "INVALID_ARGUMENT");
  EXPECT_EQ(rejected[0].reason, "no such codec");
  EXPECT_EQ(coordinator_->GetStatus().clients[0].rejected_updates, 1);
  EXPECT_EQ(Next<TrainTask>("a").round, 2);
}

TEST_F(CoordinatorTest, AnUploadOfNobodyKnowsWhichTaskIsOfTheOpenOne) {
  OpenRound();
  coordinator_->RejectUpload({"a"}, {}, absl::InvalidArgumentError("garbage"));
  EXPECT_EQ(Events<UpdateRejectedEvent>().size(), 1u);
}

TEST_F(CoordinatorTest, ARefusalThatIsNotAboutTheOpenTaskChangesNothing) {
  Start(SmallConfig());
  const Status cause = absl::InvalidArgumentError("garbage");
  coordinator_->RejectUpload({"a"}, {}, cause);  // nobody, no round
  ConnectAll();
  coordinator_->RejectUpload({"a"}, {}, cause);  // no round
  Advance();
  const Task task = Next<TrainTask>("a");
  coordinator_->RejectUpload({"a"}, {"another/round"}, cause);
  coordinator_->RejectUpload({"x"}, task.id, cause);
  coordinator_->RejectUpload({"b"}, task.id, cause);
  ASSERT_OK(Submit("a", MakeUpdate(task, 0.5f)));
  coordinator_->RejectUpload({"a"}, task.id, cause);  // it counts already
  AnswerAllBut("a");
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).contributors.size(), 3u);
  EXPECT_EQ(Events<UpdateRejectedEvent>().size(), 0u);
}

TEST_F(CoordinatorTest, ClaimsOfImpossibleCountsAreRejected) {
  for (const std::int64_t samples : {std::int64_t{0}, std::int64_t{-1},
                                     std::int64_t{1'000'000'000'000'000'000}}) {
    store_ = MemoryRunStore();
    Start(SmallConfig());
    ConnectAll();
    Advance();
    Update update = MakeUpdate(Next<TrainTask>("a"), 0.5f);
    update.info.counts[0].samples = samples;
    EXPECT_THAT(Submit("a", update),
                HasCode(absl::StatusCode::kInvalidArgument))
        << samples;
  }
}

TEST_F(CoordinatorTest, ACopyIsRecognisedBeforeAndAfterTheCommit) {
  OpenRound();
  const Update update = MakeUpdate(Next<TrainTask>("a"), 0.5f);
  ASSERT_OK(Submit("a", update));
  EXPECT_EQ(Submit("a", update).value(), Verdict::kAlreadyAccepted);
  Update other = update;
  other.delta[0] = 0.25f;
  EXPECT_THAT(Submit("a", other), HasCode(absl::StatusCode::kAlreadyExists));
  AnswerAllBut("a");
  Advance();
  EXPECT_EQ(Submit("a", update).value(), Verdict::kAlreadyAccepted);
  EXPECT_THAT(Submit("a", other), HasCode(absl::StatusCode::kAlreadyExists));
}

TEST_F(CoordinatorTest, AStaleUpdateIsRefusedAndItsClientStays) {
  OpenRound();
  const Update late = MakeUpdate(Next<TrainTask>("a"), 0.5f);
  AnswerAllBut("a");
  clock_.Advance(std::chrono::seconds(60));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).ending, "deadline");
  EXPECT_THAT(Submit("a", late),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_FALSE(
      std::get<CommittedNotice>(Next<CommittedNotice>("a").work).contributed);
  ASSERT_OK(Answer("a"));
}

TEST_F(CoordinatorTest, AnUpdateCheckedPastItsAttemptHurtsNoOtherCohort) {
  RunConfig config = SmallConfig();
  config.cohort.min_clients = 2;
  config.cohort.quorum = 1;
  OpenRound(config);
  HeldSubmit held(*this, "a", MakeUpdate(Next<TrainTask>("a"), 0.5f));
  Disconnect("a");
  BeginNextAttempt();
  EXPECT_EQ(coordinator_->GetStatus().cohort, 2);
  EXPECT_THAT(held.Finish(), Fails(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr("attempt 1 at round 1 ended")));
}

TEST_F(CoordinatorTest, AnUpdateCheckedPastItsAttemptCountsOnceWhenSentAgain) {
  RunConfig config = SmallConfig();
  config.cohort.quorum = 1;
  OpenRound(config);
  const float before = FirstParameter();
  const Update update = MakeUpdate(Next<TrainTask>("a"), 0.75f);
  HeldSubmit held(*this, "a", update);
  BeginNextAttempt();
  ASSERT_OK(Submit("a", update));
  EXPECT_THAT(held.Finish(), HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_EQ(Submit("a", update).value(), Verdict::kAlreadyAccepted);
  ASSERT_OK(Answer("b", 0.0f));
  ASSERT_OK(Answer("c", 0.0f));
  Advance();
  EXPECT_FLOAT_EQ(FirstParameter() - before, 0.25f);
  EXPECT_EQ(Events<UpdateAcceptedEvent>().size(), 3u);
}

TEST_F(CoordinatorTest, AnUpdateThatCannotBeReadHereIsWantedAgain) {
  OpenRound();
  const Update update = MakeUpdate(Next<TrainTask>("a"), 0.5f);
  {
    HeldSubmit held(*this, "a", update);
    EXPECT_THAT(held.Finish(absl::UnavailableError("read: I/O error")),
                HasCode(absl::StatusCode::kUnavailable));
  }
  EXPECT_EQ(Events<UpdateRejectedEvent>().size(), 0u);
  ASSERT_EQ(Events<WarningEvent>().size(), 1u);
  EXPECT_THAT(Events<WarningEvent>()[0].message, HasSubstr("I/O error"));
  EXPECT_EQ(Submit("a", update).value(), Verdict::kAccepted);
}

// Three are asked for two updates.
RunConfig OverSelecting() {
  RunConfig config = SmallConfig();
  config.cohort.size = 2;
  config.cohort.over_selection = 1.5;
  return config;
}

TEST_F(CoordinatorTest, ASpareThatComesAfterTheLastNeededIsTurnedAway) {
  OpenRound(OverSelecting());
  ASSERT_OK(Answer("a"));
  HeldSubmit held(*this, "c", MakeUpdate(Next<TrainTask>("c"), 0.5f));
  ASSERT_OK(Answer("b"));
  EXPECT_THAT(held.Finish(), Fails(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr("has the 2 updates")));
  EXPECT_EQ(coordinator_->GetStatus().received, 2);
  Advance();
  const auto committed = Events<RoundCommittedEvent>();
  ASSERT_EQ(committed.size(), 1u);
  EXPECT_EQ(committed[0].contributors, (std::vector<ClientName>{{"a"}, {"b"}}));
  EXPECT_EQ(committed[0].ending, "over_selection");
  EXPECT_EQ(Events<UpdateRejectedEvent>().size(), 0u);
}

TEST_F(CoordinatorTest, AnUpdateLostHereIsAskedForAgainAndSoAreTheSpares) {
  OpenRound(OverSelecting());
  ASSERT_OK(Answer("a"));
  const Update lost = MakeUpdate(Next<TrainTask>("b"), 0.5f);
  const auto delta = std::make_shared<FragileVector>(lost.delta);
  Submission submission;
  submission.header = {lost.info.task, coordinator_->layout_hash(),
                       std::ssize(lost.delta), DeltaDigest(lost.delta)};
  submission.info = lost.info;
  submission.delta = delta;
  ASSERT_OK(coordinator_->Submit({"b"}, submission));
  EXPECT_THAT(Answer("c"), HasCode(absl::StatusCode::kFailedPrecondition));
  delta->Break();
  Advance();
  EXPECT_EQ(Events<UpdateRejectedEvent>().size(), 0u);
  Next<TrainTask>("b");
  ASSERT_OK(Answer("c"));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).contributors,
            (std::vector<ClientName>{{"a"}, {"c"}}));
}

}  // namespace
}  // namespace fedgap
