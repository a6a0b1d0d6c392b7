#include "client/core/participant.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "common/base/counter_rng.h"
#include "common/base/kill_point.h"
#include "common/crypto/secure_random.h"
#include "common/data/class_mapping.h"
#include "common/federation/model_id.h"

namespace fedgap {
namespace {

// Of the server or the way to it; the store's errors are final.
bool IsTransient(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kAborted:
    // Too many calls, or tasks unread; of an update it is a verdict.
    case absl::StatusCode::kResourceExhausted:
    // By the server's end of the call: a stop of this side is asked for first.
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDataLoss:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return true;
    default:
      return false;
  }
}

// The server's word about one update, which leaves the client in the run.
bool IsVerdict(const Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kResourceExhausted:
      return true;
    default:
      return false;
  }
}

const Status& StatusOf(const Status& status) { return status; }
template <typename T>
const Status& StatusOf(const StatusOr<T>& result) {
  return result.status();
}

JoinRequest DescribeData(const DataSource& data) {
  JoinRequest request;
  request.samples = data.size();
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const std::int64_t pixels = data.image_size(i).pixels();
    request.min_pixels = i == 0 ? pixels : std::min(request.min_pixels, pixels);
    request.max_pixels = std::max(request.max_pixels, pixels);
  }
  return request;
}

ParticipantListener& SilentListener() {
  static ParticipantListener listener;
  return listener;
}

}  // namespace

Participant::Participant(Options options, Deps deps)
    : options_(std::move(options)),
      deps_(deps),
      listener_(deps.listener != nullptr ? *deps.listener : SilentListener()),
      // Waiting affects no bits, so its jitter need not be reproducible.
      back_off_(options_.back_off,
                CounterRng(RandomUint64(), RngPurpose::kBackOff,
                           options_.name.value)),
      instance_(RandomUint64()),
      last_contact_(deps.clock.Now()) {}

Participant::~Participant() = default;

void Participant::Stop() {
  {
    MutexLock lock(mutex_);
    stop_ = true;
  }
  stop_changed_.NotifyAll();
  // While the connection is there: after it the server would take this client
  // for lost, and wait for it.
  deps_.api.Leave("stopped").IgnoreError();
  deps_.api.Cancel();
}

bool Participant::stopped() const {
  MutexLock lock(mutex_);
  return stop_;
}

bool Participant::Rest(std::chrono::milliseconds duration) {
  const auto until = std::chrono::steady_clock::now() + duration;
  MutexLock lock(mutex_);
  while (!stop_ && stop_changed_.WaitUntil(mutex_, until)) {
  }
  return !stop_;
}

template <typename Result>
Result Participant::FromStore(Result result) {
  store_error_.Update(StatusOf(result));
  return result;
}

Status Participant::Run() {
  last_contact_ = deps_.clock.Now();
  while (true) {
    Status status = RunSession();
    if (status.ok()) return status;
    if (stopped()) {
      // The run goes on without this client. Stop has said so, unless it did
      // while this was between two connections; whether it heard is no matter.
      deps_.api.Leave("stopped").IgnoreError();
      return absl::CancelledError("stopped");
    }
    if (!store_error_.ok()) return store_error_;
    if (!IsTransient(status)) return status;
    FEDGAP_ASSIGN_OR_RETURN(const std::chrono::milliseconds pause,
                            PauseAfter(status));
    listener_.OnDisconnected(status, pause);
    if (!Rest(pause)) {
      deps_.api.Leave("stopped").IgnoreError();
      return absl::CancelledError("stopped");
    }
  }
}

StatusOr<std::chrono::milliseconds> Participant::PauseAfter(
    const Status& status) {
  const auto pause = back_off_.Next();
  if (options_.give_up_after.count() == 0) return pause;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(
      last_contact_ + options_.give_up_after - deps_.clock.Now());
  if (left.count() > 0) return std::min(pause, left);
  return Annotate(status, fmt::format("no server for {} s",
                                      options_.give_up_after.count()));
}

Status Participant::RunSession() {
  JoinRequest request = DescribeData(deps_.data);
  request.software = options_.software;
  request.instance = instance_;
  FEDGAP_ASSIGN_OR_RETURN(const JoinReply reply, deps_.api.Join(request));
  FEDGAP_RETURN_IF_ERROR(EnterRun(reply));
  FEDGAP_ASSIGN_OR_RETURN(std::unique_ptr<TaskSource> stream,
                          deps_.api.OpenTasks(last_task_));
  listener_.OnJoined(reply);
  const Clock::Time joined = deps_.clock.Now();
  TaskInbox inbox(std::move(stream));
  Status end = HandleTasks(inbox);
  last_contact_ = deps_.clock.Now();
  // To have been let in is no progress: two processes of one identity take
  // each other over at once, and must do so ever more seldom.
  if (last_contact_ - joined >= options_.back_off.most) back_off_.Reset();
  return end;
}

Status Participant::HandleTasks(TaskInbox& inbox) {
  while (true) {
    FEDGAP_ASSIGN_OR_RETURN(const Task task, inbox.Pop());
    FEDGAP_ASSIGN_OR_RETURN(const bool finished, Handle(task, inbox));
    last_task_ = task.id;
    if (finished) return absl::OkStatus();
  }
}

Status Participant::EnterRun(const JoinReply& reply) {
  if (model_ != nullptr && reply.run == run_) return absl::OkStatus();
  FEDGAP_ASSIGN_OR_RETURN(std::unique_ptr<const Model> model,
                          Model::Create(reply.model));
  if (LayoutHash(model->layout()) != reply.layout_hash) {
    return absl::FailedPreconditionError(fmt::format(
        "the server's layout hash {} is not that of its model {} here ({}); "
        "install the same release on both sides",
        ToHex(reply.layout_hash), reply.model.name,
        ToHex(LayoutHash(model->layout()))));
  }
  LocalTrainer::Options options{
      options_.name, [this] {
        return stopped() || (watched_inbox_ != nullptr &&
                             watched_inbox_->Supersedes(*watched_task_));
      }};
  FEDGAP_ASSIGN_OR_RETURN(std::unique_ptr<const DataSource> relabelled,
                          WithClassesOf(reply.class_names, deps_.data));
  trainer_.reset();
  relabelled_ = std::move(relabelled);
  const DataSource& data = relabelled_ != nullptr ? *relabelled_ : deps_.data;
  engines_ = std::make_unique<TrainingEngines>(
      *model, TrainingEngines::Options{options_.threads, options_.isa});
  FEDGAP_ASSIGN_OR_RETURN(
      trainer_,
      LocalTrainer::Create(*engines_, data, deps_.clock, std::move(options)));
  model_ = std::move(model);
  run_ = reply.run;
  base_id_.reset();
  last_task_ = {};
  return absl::OkStatus();
}

StatusOr<bool> Participant::Handle(const Task& task, const TaskInbox& inbox) {
  listener_.OnTask(task);
  watched_inbox_ = &inbox;
  watched_task_ = &task;
  Status status;
  bool finished = false;
  if (const auto* train = std::get_if<TrainTask>(&task.work)) {
    status = Train(task, *train);
  } else if (const auto* evaluate = std::get_if<EvaluateTask>(&task.work)) {
    status = Evaluate(task, *evaluate);
  } else if (const auto* notice = std::get_if<CommittedNotice>(&task.work)) {
    // Without local tensors there is nothing that an update leaves behind.
    const bool promotes = notice->contributed &&
                          model_->layout().range(TensorRole::kLocal).size() > 0;
    KillPoint("commit-heard");
    status = FromStore(deps_.store.Resolve(run_, task.round, promotes));
    KillPoint("local-promoted");
  } else if (const auto* over = std::get_if<FinishedNotice>(&task.work)) {
    listener_.OnFinished(*over);
    finished = true;
  } else if (std::holds_alternative<UnknownWork>(task.work)) {
    status = Decline(task);
  }
  // An aborted round is run again with the same keys: a finished update stays.
  watched_inbox_ = nullptr;
  watched_task_ = nullptr;
  // The round went on without this client, and its model is gone. A call that
  // somebody else cancelled (a proxy, the server as it goes) is a lost
  // connection: only after it is the task pushed again.
  const bool gone_on = status.code() == absl::StatusCode::kCancelled ||
                       status.code() == absl::StatusCode::kNotFound;
  if (gone_on && !stopped() && inbox.Supersedes(task)) {
    listener_.OnRejected(task, status);
    return false;
  }
  FEDGAP_RETURN_IF_ERROR(status);
  return finished;
}

Status Participant::Train(const Task& task, const TrainTask& work) {
  FEDGAP_ASSIGN_OR_RETURN(const Update update, FindOrTrain(task, work));
  return Submit(task, update);
}

StatusOr<Update> Participant::FindOrTrain(const Task& task,
                                          const TrainTask& work) {
  FEDGAP_ASSIGN_OR_RETURN(std::optional<Update> saved,
                          FromStore(deps_.store.FindUpdate(run_, task.id)));
  if (saved.has_value() && saved->info.base == task.base) {
    return *std::move(saved);
  }
  FEDGAP_RETURN_IF_ERROR(FetchBase(task.base));
  FEDGAP_ASSIGN_OR_RETURN(const Parameters local,
                          FromStore(deps_.store.LocalTensors(run_)));
  FEDGAP_ASSIGN_OR_RETURN(LocalTrainer::Result result,
                          trainer_->Train(task, work, base_, local));
  listener_.OnTrained(result.update.info);
  KillPoint("trained");
  FEDGAP_RETURN_IF_ERROR(
      FromStore(deps_.store.SaveUpdate(run_, result.update, result.local)));
  KillPoint("update-saved");
  return std::move(result.update);
}

Status Participant::Evaluate(const Task& task, const EvaluateTask& work) {
  FEDGAP_RETURN_IF_ERROR(FetchBase(task.base));
  FEDGAP_ASSIGN_OR_RETURN(const Parameters local,
                          FromStore(deps_.store.LocalTensors(run_)));
  FEDGAP_ASSIGN_OR_RETURN(const Update update,
                          trainer_->Evaluate(task, work, base_, local));
  return Submit(task, update);
}

Status Participant::Submit(const Task& task, const Update& update) {
  const StatusOr<Verdict> verdict = deps_.api.SubmitUpdate(update);
  if (verdict.ok()) {
    KillPoint("verdict-received");
    back_off_.Reset();
    listener_.OnAccepted(update.info);
    return absl::OkStatus();
  }
  if (!IsVerdict(verdict.status())) return verdict.status();
  listener_.OnRejected(task, verdict.status());
  return absl::OkStatus();
}

Status Participant::Decline(const Task& task) {
  const Status cause = absl::UnimplementedError(fmt::format(
      "task {} is of a kind that this release does not know; a newer release "
      "of fedgap is needed to take part in it",
      task.id.value));
  listener_.OnDeclined(task, cause);
  const Status told = deps_.api.Decline(task.id, MessageOf(cause));
  // Whatever the server makes of it, there is nothing more to do about it.
  return IsVerdict(told) || absl::IsUnimplemented(told) ? absl::OkStatus()
                                                        : told;
}

Status Participant::FetchBase(const ModelId& id) {
  if (base_id_ == id) return absl::OkStatus();
  base_id_.reset();
  FEDGAP_ASSIGN_OR_RETURN(base_, deps_.api.FetchModel(id, std::move(base_)));
  const std::int64_t expected = model_->layout().federated_range().size();
  if (static_cast<std::int64_t>(base_.size()) != expected) {
    return absl::DataLossError(
        fmt::format("model {} has {} parameters, the layout {}", ToHex(id),
                    base_.size(), expected));
  }
  base_id_ = id;
  return absl::OkStatus();
}

}  // namespace fedgap
