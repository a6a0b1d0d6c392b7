// The driver's steps through the rounds; see coordinator.h.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/descriptor_limit.h"
#include "common/base/kill_point.h"
#include "common/federation/model_id.h"
#include "server/core/cohort_selection.h"
#include "server/core/coordinator.h"

namespace fedgap {
namespace {

// An aborted round is tried again after a pause that grows with the attempts,
// and so often at most.
constexpr std::chrono::seconds kRetryPause{1};
constexpr int kMaxAttempts = 20;
// A client that gave no answer in so many attempts is not asked in the next:
// the first may be an accident, and one that is back has its update ready.
constexpr int kMaxSilences = 2;
// A commit for which there is no file descriptor left is tried again after a
// pause that doubles, and is this long at most.
constexpr std::chrono::seconds kLongestCommitPause{30};
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
  if (phase_ == RunPhase::kClosing) return DecideClosing();
  return DecideWaiting();
}

bool Coordinator::LastRoundDone() const {
  return last_committed_ >= options_.config.rounds;
}

bool Coordinator::IsOver() const {
  return LastRoundDone() || !met_rule_.empty();
}

int Coordinator::ClientsNeeded() const {
  return std::max(1, options_.config.cohort.min_clients);
}

// A run that ended by its own rules asks the clients for one last look at the
// final model; one that was stopped does not.
Coordinator::Plan Coordinator::DecideOver() {
  if (final_evaluation_done_) return {.step = Step::kFinish};
  const bool waited = deps_.clock.Now() >= final_look_;
  if (registry_.connected_count() >= (waited ? 1 : ClientsNeeded())) {
    return {.step = Step::kStart};
  }
  if (waited) return {.step = Step::kFinish};
  return {.wake = final_look_};
}

// Too few clients are connected.
Coordinator::Plan Coordinator::DecideShort() {
  const double limit = options_.config.cohort.wait_seconds;
  if (limit <= 0) return {};
  const Clock::Time now = deps_.clock.Now();
  if (!short_since_.has_value()) short_since_ = now;
  const Clock::Time end =
      *short_since_ + std::chrono::duration_cast<Clock::Duration>(
                          std::chrono::duration<double>(limit));
  if (now < end) return {.wake = end};
  const std::string cause = fmt::format(
      "{} of {} clients were connected for {} s (cohort.wait_seconds)",
      registry_.connected_count(), ClientsNeeded(), limit);
  stop_reason_ = fmt::format("interrupted ({})", cause);
  resumable_ = true;
  failure_ = absl::DeadlineExceededError(
      cause + "; the run can be gone on with (--resume)");
  return {.step = Step::kFinish};
}

Coordinator::Plan Coordinator::DecideWaiting() {
  if (!stop_reason_.empty()) return {.step = Step::kFinish};
  if (IsOver()) return DecideOver();
  if (!paused_ && registry_.connected_count() < ClientsNeeded()) {
    return DecideShort();
  }
  short_since_.reset();
  if (paused_) return {};
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
  const Clock::Time now = deps_.clock.Now();
  GiveUpLost(now);
  const RoundDecision decision = DecideRound(round_->SituationAt(now));
  switch (decision.action) {
    case RoundAction::kWait:
      return {.wake = round_->NextChange()};
    case RoundAction::kClose:
      return {.step = Step::kClose, .decision = decision};
    case RoundAction::kAbort:
      return {.step = Step::kAbort, .decision = decision};
  }
  return {};
}

// Its commit failed. One more attempt before the run is stopped.
Coordinator::Plan Coordinator::DecideClosing() {
  if (stop_reason_.empty() && deps_.clock.Now() < *commit_again_) {
    return {.wake = commit_again_};
  }
  return {.step = Step::kClose, .decision = closing_};
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
  // Clients may have gone since this step was decided.
  if (registry_.connected_count() < (IsOver() ? 1 : ClientsNeeded())) {
    return absl::OkStatus();
  }
  round_.emplace(PlanRound(began));
  phase_ = RunPhase::kCollecting;
  bytes_up_ = 0;
  bytes_down_ = 0;
  AnnounceRound();
  KillPoint("round-selected");
  PushRound();
  KillPoint("tasks-pushed");
  return absl::OkStatus();
}

OpenRound::Plan Coordinator::PlanRound(Clock::Time began) {
  const RunConfig& config = options_.config;
  const bool final_look = IsOver();
  OpenRound::Plan plan;
  plan.run = run_;
  plan.round = final_look ? last_committed_ : last_committed_ + 1;
  plan.attempt = ++attempts_;
  plan.base = current_;
  plan.started = began;
  if (final_look) {
    plan.cohort.clients = registry_.Connected();
    plan.cohort.target = static_cast<int>(plan.cohort.clients.size());
    PlanEvaluation(config, plan);
    if (!plan.deadline.has_value()) {
      plan.deadline = began + kFinalEvaluationPatience;
    }
  } else {
    plan.eligible = Eligible();
    plan.cohort =
        SelectCohort(config.cohort, config.seed, plan.round, plan.eligible);
    PlanTraining(config, plan);
  }
  return plan;
}

// A client whose update was rejected would send the same again, and one that
// leaves or is silent in each attempt would end them all: the next goes on
// without it, as long as others are there.
std::vector<ClientName> Coordinator::Eligible() {
  const std::vector<ClientName> connected = registry_.Connected();
  std::vector<ClientName> eligible;
  for (const ClientName& client : connected) {
    const auto silences = silences_.find(client);
    const bool is_silent =
        silences != silences_.end() && silences->second >= kMaxSilences;
    if (!is_silent && !rejected_.contains(client)) eligible.push_back(client);
  }
  return eligible.empty() ? connected : eligible;
}

void Coordinator::AnnounceRound() {
  if (!round_->is_training()) return;
  const OpenRound::Plan& plan = round_->plan();
  RoundStartedEvent event;
  event.round = plan.round;
  event.attempt = plan.attempt;
  event.base = plan.base->id();
  event.cohort = plan.cohort.clients;
  event.learning_rate = std::get<TrainTask>(plan.work).training.learning_rate;
  event.eligible = std::ssize(plan.eligible);
  event.roster = RosterDigest(plan.eligible);
  deps_.events.Emit(event);
}

void Coordinator::PushRound() {
  for (const ClientName& client : round_->plan().cohort.clients) Ask(client);
}

void Coordinator::Ask(const ClientName& client) {
  const ClientRecord* record = registry_.Find(client);
  if (record->sink == nullptr) return;  // asked when it comes back
  record->sink->Push(round_->TaskFor(client, deps_.clock.Now()));
}

void Coordinator::AccumulateInbox() {
  std::vector<RunProgress::AcceptedUpdate> updates;
  {
    MutexLock lock(mutex_);
    updates.swap(inbox_);
  }
  const auto failures = progress_.Accumulate(std::move(updates));
  MutexLock lock(mutex_);
  TakeFailures(failures);
}

void Coordinator::TakeFailures(
    const std::vector<std::pair<ClientName, Status>>& failures) {
  if (failures.empty()) return;
  for (const auto& [client, status] : failures) {
    if (absl::IsInvalidArgument(status)) {
      RejectUpdate(client, status);
      continue;
    }
    // This side's fault: the client keeps its update and sends it again.
    deps_.events.Emit(WarningEvent{
        fmt::format("round {}: the staged update of {} is asked for again: {}",
                    round_->round(), client.value, MessageOf(status))});
    round_->TurnAway(client);
  }
  for (const ClientName& client : round_->TakeTurnedAway()) Ask(client);
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
  KillPoint("round-complete");
  const StatusOr<RunProgress::Outcome> outcome = progress_.Commit(closed);
  if (outcome.ok()) KillPoint("round-committed");
  MutexLock lock(mutex_);
  if (!outcome.ok()) {
    closing_ = decision;
    return TakeFailedCommit(outcome.status());
  }
  failed_commits_ = 0;
  PublishCommit(*outcome);
  return absl::OkStatus();
}

Status Coordinator::TakeFailedCommit(const Status& failure) {
  if (!IsOutOfDescriptors(failure) || !stop_reason_.empty()) return failure;
  const auto pause =
      std::min(kLongestCommitPause,
               std::chrono::seconds(1 << std::min(failed_commits_, 5)));
  ++failed_commits_;
  commit_again_ = deps_.clock.Now() + pause;
  deps_.events.Emit(WarningEvent{fmt::format(
      "{}; it is tried again in {} s", MessageOf(failure), pause.count())});
  return absl::OkStatus();
}

void Coordinator::PublishCommit(const RunProgress::Outcome& outcome) {
  current_ = outcome.model;
  last_delta_ = progress_.last_delta();
  ledger_ = progress_.ledger();
  last_committed_ = progress_.last_committed();
  met_rule_ = progress_.stop_reason();
  attempts_ = 0;
  rejected_.clear();
  ForgiveSilences();
  round_.reset();
  inbox_.clear();
  phase_ = RunPhase::kWaiting;
  for (const ClientName& client : outcome.contributors) {
    contributions_[client] = last_committed_;
  }
  for (const auto& [name, record] : registry_.clients()) {
    if (record.sink == nullptr) continue;
    record.sink->Push(
        CommittedTask(last_committed_, outcome.contributors.contains(name)));
  }
}

// Who was left out is asked again in each round, but once: a member that is
// connected and never answers would cost two deadlines every time.
void Coordinator::ForgiveSilences() {
  std::erase_if(silences_,
                [](const auto& each) { return each.second < kMaxSilences; });
  for (auto& [client, silences] : silences_) silences = kMaxSilences - 1;
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

void Coordinator::RememberFailings() {
  for (ClientName& client : round_->Rejected()) {
    rejected_.insert(std::move(client));
  }
  for (const ClientName& client : round_->Silent()) {
    if (++silences_[client] != kMaxSilences || !round_->is_training()) continue;
    deps_.events.Emit(WarningEvent{fmt::format(
        "round {}: {} gave no answer in {} attempts; the next go on without it "
        "while others are there",
        round_->round(), client.value, kMaxSilences)});
  }
}

Status Coordinator::AbortRound(const std::string& reason) {
  MutexLock lock(mutex_);
  const bool training = round_->is_training();
  const Round round = round_->round();
  const int attempt = round_->attempt();
  if (stop_reason_.empty()) RememberFailings();
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
    const std::string cause = fmt::format(
        "round {} failed {} times; the last time: {}", round, attempt, reason);
    stop_reason_ = fmt::format("interrupted ({})", cause);
    resumable_ = true;
    failure_ =
        absl::AbortedError(cause + "; the run can be gone on with (--resume)");
  }
  return absl::OkStatus();
}

std::string Coordinator::EndReason() const {
  if (!stop_reason_.empty()) return stop_reason_;
  return LastRoundDone() ? "completed" : met_rule_;
}

Status Coordinator::GoingAway() const {
  return absl::UnavailableError("the server is going away: " + stop_reason_);
}

Status Coordinator::FinishRun() {
  std::string reason;
  double seconds = 0;
  bool resumable = false;
  {
    MutexLock lock(mutex_);
    stop_reason_ = EndReason();
    reason = stop_reason_;
    resumable = resumable_;
    seconds = seconds_before_ + ToSeconds(deps_.clock.Now() - opened_);
  }
  if (!resumable) {
    FEDGAP_RETURN_IF_ERROR(deps_.store.MarkFinished(reason, seconds));
  }
  KillPoint("run-finished");
  MutexLock lock(mutex_);
  deps_.events.Emit(
      RunFinishedEvent{reason, current_->id(), last_committed_, seconds});
  deps_.events.Flush();
  phase_ = RunPhase::kFinished;
  if (!resumable) PushToAll(Notice("finished", last_committed_));
  for (const auto& [name, record] : registry_.clients()) {
    if (record.sink == nullptr) continue;
    record.sink->Close(resumable ? GoingAway() : absl::OkStatus());
  }
  return failure_;
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
  if (kind == "finished") {
    task.work = FinishedNotice{current_->id(), stop_reason_};
  }
  return task;
}

Task Coordinator::CommittedTask(Round round, bool contributed) const {
  Task task = Notice("committed", round);
  task.work = CommittedNotice{current_->id(), contributed};
  return task;
}

}  // namespace fedgap
