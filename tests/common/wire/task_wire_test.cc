#include "common/wire/task_wire.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/common/wire/malformed_messages.h"

namespace fedgap {
namespace {

LocalEvaluation SomeEvaluation() {
  LocalEvaluation evaluation;
  evaluation.groups = ResolutionGroups::Create({16, 24, 29}).value();
  evaluation.pooled = PooledMode::kMean;
  evaluation.min_class_count = 5;
  evaluation.held_out_fraction = 0.25;
  return evaluation;
}

Task TaskOf(decltype(Task::work) work) {
  Task task;
  task.id = {"demo/3/1/train/alice"};
  task.round = 3;
  task.time_left = std::chrono::milliseconds(90'500);
  task.work = std::move(work);
  return task;
}

Task SomeTrainTask() {
  TrainTask train;
  train.run_seed = 0xFEDCBA9876543210;
  train.training = {.epochs = 2,
                    .steps = 7,
                    .batch_size = 16,
                    .learning_rate = 0.05,
                    .momentum = 0.5,
                    .weight_decay = 1e-4,
                    .nesterov = true,
                    .clip_norm = 2.5,
                    .proximal_mu = 0.01,
                    .gradient_shards = 8,
                    .precision = Precision::kBfloat16};
  train.evaluation = SomeEvaluation();
  Task task = TaskOf(train);
  task.base.digest.fill(7);
  return task;
}

StatusOr<Task> ParseTask(const v1::Task& proto) { return FromProto(proto); }

TEST(TaskWireTest, EveryKindComesBack) {
  Task evaluate = TaskOf(EvaluateTask{5, SomeEvaluation()});
  evaluate.base.digest.fill(9);
  CommittedNotice committed{.model = {}, .contributed = true};
  committed.model.digest.fill(3);
  FinishedNotice finished{.model = {}, .reason = "target reached"};
  finished.model.digest.fill(4);
  for (const Task& task :
       {SomeTrainTask(), evaluate, TaskOf(committed),
        TaskOf(AbortedNotice{"quorum missed: 2 of 6"}), TaskOf(finished)}) {
    std::string bytes;
    ASSERT_TRUE(ToProto(task).SerializeToString(&bytes));
    v1::Task proto;
    ASSERT_TRUE(proto.ParseFromString(bytes));
    ASSERT_OK_AND_ASSIGN(const Task back, ParseTask(proto));
    EXPECT_EQ(back, task);
  }
}

TEST(TaskWireTest, TheSmallestTasksComeBack) {
  Task task;
  task.id = {"t"};
  for (decltype(Task::work) work : std::vector<decltype(Task::work)>{
           TrainTask{}, EvaluateTask{}, CommittedNotice{}, AbortedNotice{},
           FinishedNotice{}}) {
    task.work = work;
    ASSERT_OK_AND_ASSIGN(const Task back, ParseTask(ToProto(task)));
    EXPECT_EQ(back, task);
  }
}

TEST(TaskWireTest, MalformedTasksAreRefused) {
  using M = v1::Task;
  const double inf = std::numeric_limits<double>::infinity();
  ExpectRefused<M>(
      ToProto(SomeTrainTask()),
      {
          {"no id", [](M& m) { m.clear_id(); }, "task.id"},
          {"long id", [](M& m) { m.set_id(std::string(257, 'x')); }, "task.id"},
          {"id with spaces", [](M& m) { m.set_id("a b"); }, "task.id"},
          {"negative round", [](M& m) { m.set_round(-1); }, "task.round is -1"},
          {"short model id", [](M& m) { m.set_base("abc"); },
           "task.base must be 32 bytes of SHA-256, not 3"},
          {"negative time", [](M& m) { m.set_time_left_ms(-5); },
           "time_left_ms"},
          {"nothing to train",
           [](M& m) {
             m.mutable_train()->mutable_training()->set_epochs(0);
             m.mutable_train()->mutable_training()->set_steps(0);
           },
           "both 0"},
          {"empty batch",
           [](M& m) {
             m.mutable_train()->mutable_training()->set_batch_size(0);
           },
           "task.training.batch_size is 0"},
          {"infinite learning rate",
           [=](M& m) {
             m.mutable_train()->mutable_training()->set_learning_rate(inf);
           },
           "learning_rate is inf"},
          {"momentum that never fades",
           [](M& m) { m.mutable_train()->mutable_training()->set_momentum(1); },
           "momentum is 1"},
          {"momentum of 1 in single precision",
           [](M& m) {
             m.mutable_train()->mutable_training()->set_momentum(0.9999999999);
           },
           "momentum"},
          {"negative decay",
           [](M& m) {
             m.mutable_train()->mutable_training()->set_weight_decay(-1);
           },
           "weight_decay"},
          {"no shards",
           [](M& m) {
             m.mutable_train()->mutable_training()->set_gradient_shards(0);
           },
           "gradient_shards"},
          {"a precision of later releases",
           [](M& m) {
             m.mutable_train()->mutable_training()->set_precision(
                 static_cast<v1::Precision>(2));
           },
           "precision"},
          {"a field of later releases",
           [](M& m) {
             auto* training = m.mutable_train()->mutable_training();
             training->GetReflection()
                 ->MutableUnknownFields(training)
                 ->AddVarint(77, 1);
           },
           "task.training.* has a field that this version does not know"},
          {"edges that fall",
           [](M& m) {
             m.mutable_train()->mutable_evaluation()->add_group_edges(1);
           },
           ""},
          {"unknown pooled mode",
           [](M& m) {
             m.mutable_train()->mutable_evaluation()->set_pooled(
                 static_cast<v1::PooledMode>(4));
           },
           "pooled is 4"},
          {"everything held out",
           [](M& m) {
             m.mutable_train()->mutable_evaluation()->set_held_out_fraction(1);
           },
           "held_out_fraction"},
          {"no training at all",
           [](M& m) { m.mutable_train()->clear_training(); }, ""},
          {"notice of no model", [](M& m) { m.mutable_committed(); },
           "model_id"},
          {"reason with control characters",
           [](M& m) { m.mutable_aborted()->set_reason("x\ny"); },
           "task.reason"},
      },
      ParseTask);
}

TEST(TaskWireTest, ReasonsAreMadeFitToTravel) {
  Task task = TaskOf(AbortedNotice{"line one\nline two"});
  ASSERT_OK_AND_ASSIGN(Task back, ParseTask(ToProto(task)));
  EXPECT_EQ(std::get<AbortedNotice>(back.work).reason, "line one line two");
  task = TaskOf(AbortedNotice{"\u202Eg\u009B\xFF"});
  ASSERT_OK_AND_ASSIGN(back, ParseTask(ToProto(task)));
  EXPECT_EQ(std::get<AbortedNotice>(back.work).reason, " g \uFFFD");
  // The cut does not split a character of two bytes.
  task.work = AbortedNotice{std::string(1023, 'x') + "\xC3\xA4"};
  ASSERT_OK_AND_ASSIGN(back, ParseTask(ToProto(task)));
  EXPECT_EQ(std::get<AbortedNotice>(back.work).reason, std::string(1023, 'x'));
}

TEST(TaskWireTest, AnUnknownKindIsATaskThatCanBeDeclined) {
  v1::Task proto = ToProto(SomeTrainTask());
  proto.clear_work();
  ASSERT_OK_AND_ASSIGN(const Task task, ParseTask(proto));
  EXPECT_EQ(task.id, SomeTrainTask().id);
  EXPECT_EQ(task.round, SomeTrainTask().round);
  EXPECT_TRUE(std::holds_alternative<UnknownWork>(task.work));
}

TEST(TaskWireTest, HeartbeatsAndLaterContentAreNoTasks) {
  v1::TasksReply heartbeat;
  heartbeat.mutable_heartbeat();
  for (const v1::TasksReply& reply : {heartbeat, v1::TasksReply()}) {
    ASSERT_OK_AND_ASSIGN(const std::optional<Task> none, FromProto(reply));
    EXPECT_FALSE(none.has_value());
  }
  v1::TasksReply reply;
  *reply.mutable_task() = ToProto(SomeTrainTask());
  ASSERT_OK_AND_ASSIGN(const std::optional<Task> task, FromProto(reply));
  EXPECT_EQ(task, SomeTrainTask());
}

TEST(TaskWireTest, AnIdMayBeEmptyOnlyWhereAllowed) {
  EXPECT_OK(TaskIdFromProto("", true));
  EXPECT_THAT(TaskIdFromProto("", false),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace fedgap
