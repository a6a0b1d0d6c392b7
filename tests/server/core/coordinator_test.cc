#include "server/core/coordinator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <thread>
#include <utility>

#include "common/base/file_io.h"
#include "common/base/mutex.h"
#include "common/federation/model_id.h"
#include "server/aggregation/memory_vector.h"
#include "server/core/cohort_selection.h"
#include "server/core/memory_run_store.h"
#include "tests/testing/in_process_federation.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

RunConfig SmallConfig() {
  RunConfig config;
  config.name = "test";
  config.rounds = 2;
  config.cohort.min_clients = 3;
  config.cohort.deadline_seconds = 60;
  config.cohort.reconnect_seconds = 20;
  config.cohort.quorum = 0.5;
  config.evaluation.local.pooled = PooledMode::kOff;
  return config;
}

// An update whose first read waits for the test.
class HeldVector final : public VectorSource {
 public:
  explicit HeldVector(Parameters values) : values_(std::move(values)) {}

  std::int64_t elements() const override { return values_.elements(); }
  Status Read(std::int64_t begin, std::span<float> out) const override {
    MutexLock lock(mutex_);
    is_read_ = true;
    changed_.NotifyAll();
    while (!released_) changed_.Wait(mutex_);
    FEDGAP_RETURN_IF_ERROR(result_);
    return values_.Read(begin, out);
  }

  void WaitForReader() const {
    MutexLock lock(mutex_);
    while (!is_read_) changed_.Wait(mutex_);
  }
  void Release(Status result = absl::OkStatus()) {
    MutexLock lock(mutex_);
    released_ = true;
    result_ = std::move(result);
    changed_.NotifyAll();
  }

 private:
  const MemoryVector values_;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  mutable bool is_read_ GUARDED_BY(mutex_) = false;
  bool released_ GUARDED_BY(mutex_) = false;
  Status result_ GUARDED_BY(mutex_);
};

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

// Clients that answer by hand; no training, no threads of their own.
class CoordinatorTest : public ::testing::Test {
 protected:
  void Start(const RunConfig& config) {
    Coordinator::Options options;
    options.config = config;
    options.model = BuiltInModel("gap-cnn-s", {.width = 4}).value();
    options.class_names = class_names_;
    auto created = Coordinator::Create(std::move(options),
                                       {*time_, store_, events_, evaluator_});
    ASSERT_OK(created);
    coordinator_ = *std::move(created);
  }

  void Connect(const std::string& name) {
    JoinRequest request;
    request.samples = 10;
    ASSERT_OK(coordinator_->Join({name}, "peer", request));
    auto queue = std::make_shared<TaskQueue>();
    ASSERT_OK(coordinator_->Subscribe({name}, {}, queue));
    queues_[name] = queue;
  }

  // The next task of a kind; fails the test if the queue ends before it.
  template <typename Work>
  Task Next(const std::string& name) {
    while (true) {
      StatusOr<Task> task = queues_.at(name)->Pop();
      if (!task.ok()) {
        ADD_FAILURE() << name << ": " << task.status();
        return {};
      }
      if (std::holds_alternative<Work>(task->work)) return *task;
    }
  }

  Update MakeUpdate(const Task& task, float value) {
    Update update;
    update.info.task = task.id;
    update.info.round = task.round;
    update.info.base = task.base;
    update.info.counts = {{0, 10, 7840}};
    update.info.local_steps = 1;
    if (std::holds_alternative<TrainTask>(task.work)) {
      update.delta.assign(
          static_cast<std::size_t>(
              coordinator_->model().layout().federated_range().size()),
          value);
    }
    return update;
  }

  StatusOr<Verdict> Submit(const std::string& name, const Update& update) {
    return InProcessFederationApi(*coordinator_, {name}).SubmitUpdate(update);
  }

  StatusOr<Verdict> Answer(const std::string& name, float value = 0.5f) {
    return Submit(name, MakeUpdate(Next<TrainTask>(name), value));
  }

  // Submits an update on another thread and returns while it is being checked.
  // Finish() lets the check go on and returns the verdict.
  class HeldSubmit {
   public:
    HeldSubmit(CoordinatorTest& test, const std::string& name,
               const Update& update)
        : delta_(std::make_shared<HeldVector>(update.delta)) {
      Submission submission;
      submission.header = {update.info.task, test.coordinator_->layout_hash(),
                           std::ssize(update.delta), DeltaDigest(update.delta)};
      submission.info = update.info;
      submission.delta = delta_;
      thread_ = std::thread([this, name, submission, &test] {
        verdict_ = test.coordinator_->Submit({name}, submission);
      });
      delta_->WaitForReader();
    }
    ~HeldSubmit() {
      if (thread_.joinable()) Finish().IgnoreError();
    }
    Status Finish(Status read = absl::OkStatus()) {
      delta_->Release(std::move(read));
      thread_.join();
      return verdict_.status();
    }

   private:
    std::shared_ptr<HeldVector> delta_;
    StatusOr<Verdict> verdict_ = absl::InternalError("none yet");
    std::thread thread_;
  };

  // The deadline aborts the open attempt; the next one begins.
  void BeginNextAttempt() {
    clock_.Advance(std::chrono::seconds(60));
    Advance();
    clock_.Advance(std::chrono::seconds(60));
    Advance();
  }

  void Advance() { ASSERT_OK(coordinator_->Advance()); }
  // As Advance; when it wants to be called again.
  std::optional<Clock::Time> Wake() { return coordinator_->Advance().value(); }

  template <typename E>
  std::vector<E> Events() const {
    std::vector<E> found;
    for (const Event& event : events_.events()) {
      if (const E* typed = std::get_if<E>(&event)) found.push_back(*typed);
    }
    return found;
  }

  float FirstParameter() const {
    return coordinator_->GetModel(coordinator_->GetStatus().model)
        .value()
        ->parameters()[0];
  }

  void ConnectAll() {
    for (const char* name : {"a", "b", "c"}) Connect(name);
  }
  void Disconnect(const std::string& name) {
    coordinator_->Unsubscribe({name}, queues_.at(name).get(),
                              "connection lost");
  }
  // Answers an evaluate task.
  StatusOr<Verdict> Look(const std::string& name) {
    Update update = MakeUpdate(Next<EvaluateTask>(name), 0);
    update.info.held_out_metrics = {{0, {4, 3, 100}}};
    return Submit(name, update);
  }
  // Every task in the queue, without waiting for more.
  std::vector<Task> Drain(const std::string& name) {
    queues_.at(name)->Close(absl::CancelledError("drained"));
    std::vector<Task> tasks;
    while (true) {
      StatusOr<Task> task = queues_.at(name)->Pop();
      if (!task.ok()) return tasks;
      tasks.push_back(*std::move(task));
    }
  }

  std::vector<std::string> class_names_;
  ManualClock clock_;
  const Clock* time_ = &clock_;
  Evaluator* evaluator_ = nullptr;
  MemoryRunStore store_;
  RecordingEventSink events_;
  std::unique_ptr<Coordinator> coordinator_;
  std::map<std::string, std::shared_ptr<TaskQueue>> queues_;
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
  Start(SmallConfig());
  ConnectAll();
  Advance();
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

TEST_F(CoordinatorTest, WhoStopsTheRunWaitsForNoDescriptor) {
  Start(SmallConfig());
  ConnectAll();
  Advance();
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  const Status failure = ErrnoStatus(EMFILE, "create", "round-1");
  store_.FailNextCommit(failure);
  Advance();
  coordinator_->Interrupt("SIGTERM");
  store_.FailNextCommit(failure);
  EXPECT_THAT(coordinator_->Advance().status(),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST_F(CoordinatorTest, NoTaskOutlivesItsRound) {
  Start(SmallConfig());
  ConnectAll();
  Advance();
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
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
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

TEST_F(CoordinatorTest, EndsAfterTheLastRoundWithALookAtTheFinalModel) {
  RunConfig config = SmallConfig();
  config.rounds = 1;
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
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

TEST_F(CoordinatorTest, AnUpdateBeyondABoundIsRefusedAndTheLogSaysWhy) {
  RunConfig config = SmallConfig();
  config.validation.max_update_norm = 1;
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
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
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
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
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  const Task task = Next<TrainTask>("a");
  EXPECT_THAT(
      Submit("a", MakeUpdate(task, std::numeric_limits<float>::quiet_NaN())),
      HasCode(absl::StatusCode::kInvalidArgument));
  // Its part in the round is over, even for a good one.
  EXPECT_THAT(Submit("a", MakeUpdate(task, 0.5f)),
              HasCode(absl::StatusCode::kFailedPrecondition));
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
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
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  const Task task = Next<TrainTask>("a");
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
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
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  coordinator_->RejectUpload({"a"}, {}, absl::InvalidArgumentError("garbage"));
  EXPECT_EQ(Events<UpdateRejectedEvent>().size(), 1u);
}

TEST_F(CoordinatorTest, ARefusalThatIsNotAboutTheOpenTaskChangesNothing) {
  Start(SmallConfig());
  const Status cause = absl::InvalidArgumentError("garbage");
  coordinator_->RejectUpload({"a"}, {}, cause);  // nobody, no round
  for (const char* name : {"a", "b", "c"}) Connect(name);
  coordinator_->RejectUpload({"a"}, {}, cause);  // no round
  Advance();
  const Task task = Next<TrainTask>("a");
  coordinator_->RejectUpload({"a"}, {"another/round"}, cause);
  coordinator_->RejectUpload({"x"}, task.id, cause);
  coordinator_->RejectUpload({"b"}, task.id, cause);
  ASSERT_OK(Submit("a", MakeUpdate(task, 0.5f)));
  coordinator_->RejectUpload({"a"}, task.id, cause);  // it counts already
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).contributors.size(), 3u);
  EXPECT_EQ(Events<UpdateRejectedEvent>().size(), 0u);
}

TEST_F(CoordinatorTest, WhoDeclinesATaskIsNotWaitedForAndStays) {
  RunConfig config = SmallConfig();
  config.cohort.deadline_seconds = 0;
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  const Task task = Next<TrainTask>("a");
  ASSERT_OK(coordinator_->Decline({"a"}, {"another/task"}, "no idea"));
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
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

TEST_F(CoordinatorTest, ClaimsOfImpossibleCountsAreRejected) {
  for (const std::int64_t samples : {std::int64_t{0}, std::int64_t{-1},
                                     std::int64_t{1'000'000'000'000'000'000}}) {
    store_ = MemoryRunStore();
    Start(SmallConfig());
    for (const char* name : {"a", "b", "c"}) Connect(name);
    Advance();
    Update update = MakeUpdate(Next<TrainTask>("a"), 0.5f);
    update.info.counts[0].samples = samples;
    EXPECT_THAT(Submit("a", update),
                HasCode(absl::StatusCode::kInvalidArgument))
        << samples;
  }
}

TEST_F(CoordinatorTest, ACopyIsRecognisedBeforeAndAfterTheCommit) {
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  const Update update = MakeUpdate(Next<TrainTask>("a"), 0.5f);
  ASSERT_OK(Submit("a", update));
  EXPECT_EQ(Submit("a", update).value(), Verdict::kAlreadyAccepted);
  Update other = update;
  other.delta[0] = 0.25f;
  EXPECT_THAT(Submit("a", other), HasCode(absl::StatusCode::kAlreadyExists));
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  Advance();
  EXPECT_EQ(Submit("a", update).value(), Verdict::kAlreadyAccepted);
  EXPECT_THAT(Submit("a", other), HasCode(absl::StatusCode::kAlreadyExists));
}

TEST_F(CoordinatorTest, AStaleUpdateIsRefusedAndItsClientStays) {
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  const Update late = MakeUpdate(Next<TrainTask>("a"), 0.5f);
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  clock_.Advance(std::chrono::seconds(60));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).ending, "deadline");
  EXPECT_THAT(Submit("a", late),
              HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_FALSE(
      std::get<CommittedNotice>(Next<CommittedNotice>("a").work).contributed);
  ASSERT_OK(Answer("a"));
}

TEST_F(CoordinatorTest, WithoutQuorumTheRoundIsRunAgainWithTheSameTasks) {
  RunConfig config = SmallConfig();
  config.cohort.quorum = 1;
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
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

TEST_F(CoordinatorTest, AnUpdateCheckedPastItsAttemptHurtsNoOtherCohort) {
  RunConfig config = SmallConfig();
  config.cohort.min_clients = 2;
  config.cohort.quorum = 1;
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  HeldSubmit held(*this, "a", MakeUpdate(Next<TrainTask>("a"), 0.5f));
  coordinator_->Unsubscribe({"a"}, queues_["a"].get(), "connection lost");
  BeginNextAttempt();
  EXPECT_EQ(coordinator_->GetStatus().cohort, 2);
  EXPECT_THAT(held.Finish(), Fails(absl::StatusCode::kFailedPrecondition,
                                   HasSubstr("attempt 1 at round 1 ended")));
}

TEST_F(CoordinatorTest, AnUpdateCheckedPastItsAttemptCountsOnceWhenSentAgain) {
  RunConfig config = SmallConfig();
  config.cohort.quorum = 1;
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
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
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
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

TEST_F(CoordinatorTest, NoMoreClientsAreAskedThanTheAccumulatorHolds) {
  RunConfig config = SmallConfig();
  config.cohort.max_size = 2;
  Start(config);
  ConnectAll();
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().cohort, 2);
}

// Three are asked for two updates.
RunConfig OverSelecting() {
  RunConfig config = SmallConfig();
  config.cohort.size = 2;
  config.cohort.over_selection = 1.5;
  return config;
}

TEST_F(CoordinatorTest, ASpareThatComesAfterTheLastNeededIsTurnedAway) {
  Start(OverSelecting());
  ConnectAll();
  Advance();
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
  Start(OverSelecting());
  ConnectAll();
  Advance();
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

TEST_F(CoordinatorTest, AClientThatWasRejectedIsLeftOutOfTheNextAttempt) {
  RunConfig config = SmallConfig();
  config.cohort.quorum = 1;
  config.cohort.deadline_seconds = 0;
  Start(config);
  ConnectAll();
  Advance();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(Answer("a", kNaN), HasCode(absl::StatusCode::kInvalidArgument));
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  Advance();
  EXPECT_EQ(Events<RoundAbortedEvent>().size(), 1u);
  clock_.Advance(std::chrono::seconds(10));
  Advance();
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
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
    for (const char* name : {"a", "b", "c"}) Connect(name);
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

TEST_F(CoordinatorTest, OneThatIsSilentUntilTheDeadlineIsLeftOut) {
  RunConfig config = SmallConfig();
  config.cohort.deadline_seconds = 10;
  config.cohort.quorum = 1;
  Start(config);
  ConnectAll();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    Advance();
    for (const char* name : {"b", "c"}) ASSERT_OK(Answer(name));
    Advance();
    if (attempt == 3) break;
    clock_.Advance(std::chrono::seconds(10));
    Advance();
    clock_.Advance(std::chrono::seconds(10));
  }
  EXPECT_EQ(Events<RoundAbortedEvent>().size(), 2u);
  ASSERT_EQ(Events<RoundCommittedEvent>().size(), 1u);
  EXPECT_EQ(Events<RoundCommittedEvent>()[0].contributors.size(), 2u);
}

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

TEST_F(CoordinatorTest, WhoWasAwayForACommitHearsOfItsLastContributionFirst) {
  Start(SmallConfig());
  ConnectAll();
  Advance();
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
  Start(SoonContent());
  ConnectAll();
  Advance();
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
  Start(SoonContent());
  ConnectAll();
  Advance();
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  coordinator_.reset();

  Start(SoonContent());
  ConnectAll();
  Advance();
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
  Start(SoonContent());
  ConnectAll();
  Advance();
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Answer(name));
  Advance();
  EXPECT_TRUE(coordinator_->finished());
  EXPECT_EQ(Events<RunFinishedEvent>().back().reason, "SIGTERM");
  EXPECT_FALSE(store_.run()->finished);

  Start(SoonContent());
  ConnectAll();
  Advance();
  EXPECT_EQ(Events<RoundStartedEvent>().size(), 1u);
  for (const char* name : {"a", "b", "c"}) ASSERT_OK(Look(name));
  Advance();
  EXPECT_THAT(store_.finished(), HasSubstr("target reached"));
}

TEST_F(CoordinatorTest, TheFinalLookWaitsAWhileForClientsAfterARestart) {
  RunConfig config = SmallConfig();
  config.rounds = 1;
  Start(config);
  ConnectAll();
  Advance();
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
  Start(config);
  ConnectAll();
  Advance();
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
  Start(config);
  ConnectAll();
  Advance();
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

TEST_F(CoordinatorTest, ALostConnectionMayComeBackBeforeTheDeadline) {
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  coordinator_->Unsubscribe({"a"}, queues_["a"].get(), "connection lost");
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().phase, RunPhase::kCollecting);
  Connect("a");
  ASSERT_OK(Answer("a"));
  Advance();
  EXPECT_EQ(coordinator_->GetStatus().last_committed, 1);
}

TEST_F(CoordinatorTest, ALostConnectionIsWaitedForSoLongAndNoLonger) {
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  clock_.Advance(seconds(10));
  coordinator_->Unsubscribe({"a"}, queues_["a"].get(), "connection lost");
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
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  coordinator_->Unsubscribe({"a"}, queues_["a"].get(), "connection lost");
  clock_.Advance(seconds(20));
  Advance();
  EXPECT_THAT(Events<RoundAbortedEvent>().at(0).reason, HasSubstr("1 left"));
  clock_.Advance(seconds(1));
  Advance();
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  Advance();
  const auto committed = Events<RoundCommittedEvent>();
  EXPECT_EQ(committed.at(0).attempt, 2);
  EXPECT_EQ(committed.at(0).contributors,
            (std::vector<ClientName>{{"b"}, {"c"}}));
}

TEST_F(CoordinatorTest, WhoComesBackTooLateIsAskedAgainInAnOpenRound) {
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  coordinator_->Unsubscribe({"a"}, queues_["a"].get(), "connection lost");
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
  Start(config);
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  const Clock::Time deadline = clock_.Now() + seconds(60);
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  coordinator_->Unsubscribe({"a"}, queues_["a"].get(), "connection lost");
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
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
  ASSERT_OK(coordinator_->Leave({"a"}, "done for today"));
  Advance();
  EXPECT_EQ(Events<RoundCommittedEvent>().at(0).ending, "departures");
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
  for (const char* name : {"a", "b", "c"}) Connect(name);
  coordinator_->Unsubscribe({"a"}, queues_["a"].get(), "connection lost");
  clock_.Advance(seconds(3));
  coordinator_->Unsubscribe({"b"}, queues_["b"].get(), "connection lost");
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

TEST_F(CoordinatorTest, AnExpelledClientIsToldWhyAndNotWaitedFor) {
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  ASSERT_OK(Answer("b"));
  ASSERT_OK(Answer("c"));
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
  EXPECT_THAT(coordinator_->Join({"a"}, "peer", request),
              Fails(absl::StatusCode::kFailedPrecondition,
                    ::testing::AllOf(HasSubstr("99"), HasSubstr("1"))));
}

TEST_F(CoordinatorTest, RefusesAnotherLayoutAndStrangers) {
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
  UploadHeader header;
  header.task = Next<TrainTask>("a").id;
  header.elements = 3;
  EXPECT_THAT(coordinator_->BeginUpload({"x"}, header),
              HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(coordinator_->BeginUpload({"a"}, header),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("layout")));
}

TEST_F(CoordinatorTest, AnInterruptedRunGoesOnFromItsLastCommit) {
  Start(SmallConfig());
  for (const char* name : {"a", "b", "c"}) Connect(name);
  Advance();
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
  for (const char* name : {"a", "b", "c"}) Connect(name);
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
  for (const char* name : {"a", "b", "c"}) Connect(name);
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
