// A coordinator whose clients answer by hand.
#ifndef FEDGAP_TESTS_SERVER_CORE_COORDINATOR_FIXTURE_H_
#define FEDGAP_TESTS_SERVER_CORE_COORDINATOR_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/base/mutex.h"
#include "server/aggregation/memory_vector.h"
#include "server/core/coordinator.h"
#include "server/core/memory_run_store.h"
#include "tests/testing/in_process_federation.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {

inline RunConfig SmallConfig() {
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
  // Three clients have their tasks.
  void OpenRound(const RunConfig& config = SmallConfig()) {
    Start(config);
    ConnectAll();
    Advance();
  }
  void AnswerAllBut(const std::string& silent) {
    for (const char* name : {"a", "b", "c"}) {
      if (name != silent) {
        ASSERT_OK(Answer(name));
      }
    }
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

}  // namespace fedgap

#endif  // FEDGAP_TESTS_SERVER_CORE_COORDINATOR_FIXTURE_H_
