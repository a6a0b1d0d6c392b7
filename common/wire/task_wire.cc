#include "common/wire/task_wire.h"

#include <utility>

#include "common/wire/limits.h"
#include "common/wire/message_reader.h"

namespace fedgap {
namespace {

constexpr std::int64_t kMaxTimeLeftMs = kMaxDeadlineSeconds * 1000;

static_assert(static_cast<int>(Precision::kBfloat16) == v1::PRECISION_BFLOAT16);

void SetTraining(const LocalTraining& training, v1::LocalTraining* proto) {
  proto->set_epochs(training.epochs);
  proto->set_steps(training.steps);
  proto->set_batch_size(training.batch_size);
  proto->set_learning_rate(training.learning_rate);
  proto->set_momentum(training.momentum);
  proto->set_weight_decay(training.weight_decay);
  proto->set_nesterov(training.nesterov);
  proto->set_clip_norm(training.clip_norm);
  proto->set_proximal_mu(training.proximal_mu);
  proto->set_gradient_shards(training.gradient_shards);
  proto->set_precision(static_cast<v1::Precision>(training.precision));
}

StatusOr<LocalTraining> ReadTraining(const v1::LocalTraining& proto) {
  MessageReader in("task.training");
  LocalTraining training;
  // Training in any other way than the others would be worse than not at all.
  in.Require(!HasUnknownFields(proto), "*",
             "has a field that this version does not know");
  training.epochs = in.Int("epochs", proto.epochs(), 0, kMaxEpochs);
  training.steps = in.Int("steps", proto.steps(), 0, kMaxSteps);
  in.Require(training.epochs > 0 || training.steps > 0, "epochs",
             "and steps are both 0: nothing to train");
  training.batch_size =
      in.Int("batch_size", proto.batch_size(), 1, kMaxBatchSize);
  training.learning_rate =
      in.Real("learning_rate", proto.learning_rate(), 0, kMaxLearningRate);
  training.momentum = in.Real("momentum", proto.momentum(), 0, kMaxMomentum);
  training.weight_decay =
      in.Real("weight_decay", proto.weight_decay(), 0, kMaxWeightDecay);
  training.nesterov = proto.nesterov();
  training.clip_norm = in.Real("clip_norm", proto.clip_norm(), 0, kMaxClipNorm);
  training.proximal_mu =
      in.Real("proximal_mu", proto.proximal_mu(), 0, kMaxProximalMu);
  training.gradient_shards =
      in.Int("gradient_shards", proto.gradient_shards(), 1, kMaxGradientShards);
  training.precision = static_cast<Precision>(
      in.Int("precision", static_cast<int>(proto.precision()),
             v1::Precision_MIN, v1::Precision_MAX));
  FEDGAP_RETURN_IF_ERROR(in.status());
  return training;
}

// The proto values are the modes' plus one.
v1::PooledMode PooledModeToProto(PooledMode mode) {
  return static_cast<v1::PooledMode>(static_cast<int>(mode) + 1);
}

void SetEvaluation(const LocalEvaluation& evaluation,
                   v1::LocalEvaluation* proto) {
  const std::vector<int>& edges = evaluation.groups.edges();
  proto->mutable_group_edges()->Assign(edges.begin(), edges.end());
  proto->set_pooled(PooledModeToProto(evaluation.pooled));
  proto->set_min_class_count(evaluation.min_class_count);
  proto->set_held_out_fraction(evaluation.held_out_fraction);
}

StatusOr<LocalEvaluation> ReadEvaluation(const v1::LocalEvaluation& proto) {
  MessageReader in("task.evaluation");
  LocalEvaluation evaluation;
  in.Integer("group_edges", proto.group_edges_size(), 0,
             ResolutionGroups::kMaxGroups - 1);
  FEDGAP_RETURN_IF_ERROR(in.status());
  evaluation.groups = in.Take(ResolutionGroups::Create(
      {proto.group_edges().begin(), proto.group_edges().end()}));
  evaluation.pooled = static_cast<PooledMode>(
      in.Int("pooled", static_cast<int>(proto.pooled()), 1, 3) - 1);
  evaluation.min_class_count =
      in.Int("min_class_count", proto.min_class_count(), 1, kMaxMinClassCount);
  evaluation.held_out_fraction = in.Real(
      "held_out_fraction", proto.held_out_fraction(), 0, kMaxHeldOutFraction);
  FEDGAP_RETURN_IF_ERROR(in.status());
  return evaluation;
}

struct SetWork {
  v1::Task& proto;

  void operator()(const TrainTask& train) const {
    proto.mutable_train()->set_run_seed(train.run_seed);
    SetTraining(train.training, proto.mutable_train()->mutable_training());
    SetEvaluation(train.evaluation,
                  proto.mutable_train()->mutable_evaluation());
  }
  void operator()(const EvaluateTask& evaluate) const {
    proto.mutable_evaluate()->set_run_seed(evaluate.run_seed);
    SetEvaluation(evaluate.evaluation,
                  proto.mutable_evaluate()->mutable_evaluation());
  }
  void operator()(const CommittedNotice& notice) const {
    proto.mutable_committed()->set_model_id(BytesOf(notice.model.digest));
    proto.mutable_committed()->set_contributed(notice.contributed);
  }
  void operator()(const AbortedNotice& notice) const {
    proto.mutable_aborted()->set_reason(
        PrintableText(notice.reason, kMaxReasonBytes));
  }
  void operator()(const FinishedNotice& notice) const {
    proto.mutable_finished()->set_model_id(BytesOf(notice.model.digest));
    proto.mutable_finished()->set_reason(
        PrintableText(notice.reason, kMaxReasonBytes));
  }
  void operator()(const UnknownWork&) const {}
};

bool StartsFromModel(const Task& task) {
  return std::holds_alternative<TrainTask>(task.work) ||
         std::holds_alternative<EvaluateTask>(task.work);
}

// Sets task->work.
Status ReadWork(const v1::Task& proto, Task* task) {
  MessageReader in("task");
  switch (proto.work_case()) {
    case v1::Task::kTrain:
      task->work = TrainTask{
          .run_seed = proto.train().run_seed(),
          .training = in.Take(ReadTraining(proto.train().training())),
          .evaluation = in.Take(ReadEvaluation(proto.train().evaluation()))};
      return in.status();
    case v1::Task::kEvaluate:
      task->work = EvaluateTask{
          .run_seed = proto.evaluate().run_seed(),
          .evaluation = in.Take(ReadEvaluation(proto.evaluate().evaluation()))};
      return in.status();
    case v1::Task::kCommitted:
      task->work = CommittedNotice{
          .model = {in.Digest("model_id", proto.committed().model_id())},
          .contributed = proto.committed().contributed()};
      return in.status();
    case v1::Task::kAborted:
      task->work = AbortedNotice{
          in.Text("reason", proto.aborted().reason(), kMaxReasonBytes)};
      return in.status();
    case v1::Task::kFinished:
      task->work = FinishedNotice{
          .model = {in.Digest("model_id", proto.finished().model_id())},
          .reason =
              in.Text("reason", proto.finished().reason(), kMaxReasonBytes)};
      return in.status();
    case v1::Task::WORK_NOT_SET:
      break;
  }
  task->work = UnknownWork{};
  return absl::OkStatus();
}

}  // namespace

v1::Task ToProto(const Task& task) {
  v1::Task proto;
  proto.set_id(task.id.value);
  proto.set_round(task.round);
  if (StartsFromModel(task)) proto.set_base(BytesOf(task.base.digest));
  proto.set_time_left_ms(task.time_left.count());
  std::visit(SetWork{proto}, task.work);
  return proto;
}

StatusOr<Task> FromProto(const v1::Task& proto) {
  MessageReader in("task");
  Task task;
  task.id.value = in.Name("id", proto.id(), 1, kMaxTaskIdBytes);
  task.round = in.Integer("round", proto.round(), 0, kMaxRound);
  task.time_left = std::chrono::milliseconds(
      in.Integer("time_left_ms", proto.time_left_ms(), 0, kMaxTimeLeftMs));
  FEDGAP_RETURN_IF_ERROR(in.status());
  FEDGAP_RETURN_IF_ERROR(ReadWork(proto, &task));
  if (StartsFromModel(task)) task.base = {in.Digest("base", proto.base())};
  FEDGAP_RETURN_IF_ERROR(in.status());
  return task;
}

StatusOr<std::optional<Task>> FromProto(const v1::TasksReply& proto) {
  if (!proto.has_task()) return std::optional<Task>();
  FEDGAP_ASSIGN_OR_RETURN(Task task, FromProto(proto.task()));
  return std::optional<Task>(std::move(task));
}

StatusOr<TaskId> TaskIdFromProto(const std::string& id, bool allow_empty) {
  MessageReader in("request");
  TaskId task{in.Name("task_id", id, allow_empty ? 0 : 1, kMaxTaskIdBytes)};
  FEDGAP_RETURN_IF_ERROR(in.status());
  return task;
}

}  // namespace fedgap
