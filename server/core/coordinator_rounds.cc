// The driver's steps through the rounds; see coordinator.h.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/federation/model_id.h"
#include "server/core/cohort_selection.h"
#include "server/core/coordinator.h"

namespace fedgap {
namespace {

// An aborted round is tried again after a pause that grows with the attempts,
// and so often at most.
constexpr std::chrono::seconds kRetryPause{1};
constexpr int kMaxAttempts = 20;
// How long the run waits for the clients' evaluation of the final model when
// rounds have no deadline.
constexpr std::chrono::seconds kFinalEvaluationPatience{60};

}  // namespace

StatusOr<std::optional<Clock::Time>> Coordinator::Advance() {
  while (true) {
    Plan plan;
    {
      MutexLock lock(mutex_);
      plan = Decide();
    }
    if (plan.step == Step::kRest) return plan.wake;
    FEDGAP_RETURN_IF_ERROR(Do(plan));
  }
}

Coordinator::Plan Coordinator::Decide() {
  if (phase_ == RunPhase::kFinished) return {};
  if (phase_ == RunPhase::kCollecting) return DecideCollecting();
  return DecideWaiting();
}

bool Coordinator::LastRoundDone() const {
  return last_committed_ >= options_.config.rounds;
}

Coordinator::Plan Coordinator::DecideWaiting() {
  // A run that ended by its own rules asks the clients for one last look at
  // the final model; one that was stopped does not.
  const bool over = LastRoundDone() || !stop_reason_.empty();
  const bool wants_final = LastRoundDone() && stop_reason_.empty() &&
                           !final_evaluation_done_ &&
                           registry_.connected_count() > 0;
  if (over && !wants_final) return {.step = Step::kFinish};
  if (wants_final) return {.step = Step::kStart};
  if (paused_) return {};
  const int needed = std::max(1, options_.config.cohort.min_clients);
  if (registry_.connected_count() < needed) return {};
  if (deps_.clock.Now() < not_before_) return {.wake = not_before_};
  return {.step = Step::kStart};
}

Coordinator::Plan Coordinator::DecideCollecting() {
  if (!stop_reason_.empty()) {
    return {.step = Step::kAbort,
            .decision = {RoundAction::kAbort, RoundEnding::kComplete,
                         stop_reason_}};
  }
  if (!inbox_.empty()) return {.step = Step::kAccumulate};
  const RoundDecision decision =
      DecideRound(round_->SituationAt(deps_.clock.Now()));
  switch (decision.action) {
    case RoundAction::kWait:
      return {.wake = round_->plan().deadline};
    case RoundAction::kClose:
      return {.step = Step::kClose, .decision = decision};
    case RoundAction::kAbort:
      return {.step = Step::kAbort, .decision = decision};
  }
  return {};
}

Status Coordinator::Do(const Plan& plan) {
  switch (plan.step) {
    case Step::kRest:
      return absl::OkStatus();
    case Step::kStart:
      return StartRound();
    case Step::kAccumulate:
      AccumulateInbox();
      return absl::OkStatus();
    case Step::kClose:
      return CloseRound(plan.decision);
    case Step::kAbort:
      return AbortRound(plan.decision.reason);
    case Step::kFinish:
      return FinishRun();
  }
  return absl::OkStatus();
}

Status Coordinator::StartRound() {
  const Clock::Time began = deps_.clock.Now();
  FEDGAP_RETURN_IF_ERROR(progress_.BeginAttempt());
  MutexLock lock(mutex_);
  // The last clients may have gone since this step was decided.
  if (registry_.connected_count() == 0) return absl::OkStatus();
  round_.emplace(PlanRound(began));
  phase_ = RunPhase::kCollecting;
  bytes_up_ = 0;
  bytes_down_ = 0;
  PushRound();
  return absl::OkStatus();
}

OpenRound::Plan Coordinator::PlanRound(Clock::Time began) {
  const RunConfig& config = options_.config;
  const bool final_look = LastRoundDone();
  OpenRound::Plan plan;
  plan.run = run_;
  plan.round = final_look ? last_committed_ : last_committed_ + 1;
  plan.attempt = ++attempts_;
  plan.base = current_;
  plan.started = began;
  if (final_look) {
    CohortConfig everybody;
    plan.cohort =
        SelectCohort(everybody, config.seed, plan.round, registry_.Connected());
    PlanEvaluation(config, plan);
    if (!plan.deadline.has_value()) {
      plan.deadline = began + kFinalEvaluationPatience;
    }
  } else {
    plan.cohort = SelectCohort(config.cohort, config.seed, plan.round,
                               registry_.Connected());
    PlanTraining(config, plan);
  }
  return plan;
}

void Coordinator::PushRound() {
  const Clock::Time now = deps_.clock.Now();
  if (round_->is_training()) {
    const auto& train = std::get<TrainTask>(round_->plan().work);
    deps_.events.Emit(RoundStartedEvent{
        round_->round(), round_->attempt(), round_->plan().base->id(),
        round_->plan().cohort.clients, train.training.learning_rate});
  }
  for (const ClientName& client : round_->plan().cohort.clients) {
    const ClientRecord* record = registry_.Find(client);
    if (record->sink != nullptr) {
      record->sink->Push(round_->TaskFor(client, now));
    }
  }
}

void Coordinator::AccumulateInbox() {
  std::vector<RunProgress::AcceptedUpdate> updates;
  {
    MutexLock lock(mutex_);
    updates.swap(inbox_);
  }
  const auto failures = progress_.Accumulate(std::move(updates));
  MutexLock lock(mutex_);
  for (const auto& [client, status] : failures) {
    RejectUpdate(client, Annotate(status, "staged update is broken"));
  }
}

Status Coordinator::CloseRound(const RoundDecision& decision) {
  RunProgress::ClosedRound closed;
  {
    MutexLock lock(mutex_);
    if (!round_->is_training()) {
      CloseFinalEvaluation();
      return absl::OkStatus();
    }
    // An update that came in since the decision counts: take it first.
    if (!inbox_.empty()) return absl::OkStatus();
    phase_ = RunPhase::kClosing;
    closed.round = round_->round();
    closed.attempt = round_->attempt();
    closed.ending = decision.ending;
    closed.started = round_->plan().started;
    closed.bytes_up = bytes_up_;
    closed.bytes_down = bytes_down_;
  }
  FEDGAP_ASSIGN_OR_RETURN(const RunProgress::Outcome outcome,
                          progress_.Commit(closed));
  MutexLock lock(mutex_);
  PublishCommit(outcome);
  return absl::OkStatus();
}

void Coordinator::PublishCommit(const RunProgress::Outcome& outcome) {
  previous_ = current_;
  current_ = outcome.model;
  last_delta_ = progress_.last_delta();
  ledger_ = progress_.ledger();
  last_committed_ = progress_.last_committed();
  attempts_ = 0;
  round_.reset();
  inbox_.clear();
  phase_ = RunPhase::kWaiting;
  if (!outcome.stop_reason.empty() && stop_reason_.empty() &&
      !LastRoundDone()) {
    stop_reason_ = outcome.stop_reason;
  }
  for (const auto& [name, record] : registry_.clients()) {
    if (record.sink == nullptr) continue;
    Task notice = Notice("committed", last_committed_);
    std::get<CommittedNotice>(notice.work).contributed =
        outcome.contributors.contains(name);
    record.sink->Push(notice);
  }
}

void Coordinator::CloseFinalEvaluation() {
  std::vector<const std::vector<GroupMetrics>*> parts;
  for (const UpdateInfo& info : final_evaluations_) {
    parts.push_back(&info.held_out_metrics);
  }
  FinalEvaluationEvent event;
  event.model = current_->id();
  event.clients = static_cast<int>(final_evaluations_.size());
  event.client_held_out = SumByGroup(parts);
  deps_.events.Emit(event);
  final_evaluations_.clear();
  final_evaluation_done_ = true;
  round_.reset();
  phase_ = RunPhase::kWaiting;
}

Status Coordinator::AbortRound(const std::string& reason) {
  MutexLock lock(mutex_);
  const bool training = round_->is_training();
  const Round round = round_->round();
  const int attempt = round_->attempt();
  round_.reset();
  inbox_.clear();
  phase_ = RunPhase::kWaiting;
  if (!training) {
    final_evaluation_done_ = true;
    return absl::OkStatus();
  }
  deps_.events.Emit(RoundAbortedEvent{round, attempt, reason});
  Task notice = Notice("aborted", round);
  notice.work = AbortedNotice{reason};
  PushToAll(notice);
  not_before_ = deps_.clock.Now() + attempt * kRetryPause;
  if (attempt >= kMaxAttempts && stop_reason_.empty()) {
    stop_reason_ = fmt::format("round {} failed {} times; the last time: {}",
                               round, attempt, reason);
    resumable_ = true;
  }
  return absl::OkStatus();
}

Status Coordinator::FinishRun() {
  std::string reason;
  double seconds = 0;
  bool resumable = false;
  {
    MutexLock lock(mutex_);
    if (stop_reason_.empty()) stop_reason_ = "completed";
    reason = stop_reason_;
    resumable = resumable_;
    seconds = seconds_before_ + ToSeconds(deps_.clock.Now() - opened_);
  }
  if (!resumable) {
    FEDGAP_RETURN_IF_ERROR(deps_.store.MarkFinished(reason, seconds));
  }
  MutexLock lock(mutex_);
  deps_.events.Emit(
      RunFinishedEvent{reason, current_->id(), last_committed_, seconds});
  deps_.events.Flush();
  phase_ = RunPhase::kFinished;
  if (!resumable) PushToAll(Notice("finished", last_committed_));
  for (const auto& [name, record] : registry_.clients()) {
    if (record.sink == nullptr) continue;
    record.sink->Close(resumable ? absl::UnavailableError(
                                       "the server is going away: " + reason)
                                 : absl::OkStatus());
  }
  return absl::OkStatus();
}

void Coordinator::PushToAll(const Task& task) {
  for (const auto& [name, record] : registry_.clients()) {
    if (record.sink != nullptr) record.sink->Push(task);
  }
}

Task Coordinator::Notice(std::string kind, Round round) const {
  Task task;
  task.id = {fmt::format("{}/{}/{}", run_.value, round, kind)};
  task.round = round;
  task.base = current_->id();
  if (kind == "committed") {
    task.work = CommittedNotice{current_->id(), false};
  } else if (kind == "finished") {
    task.work = FinishedNotice{current_->id(), stop_reason_};
  }
  return task;
}

}  // namespace fedgap
