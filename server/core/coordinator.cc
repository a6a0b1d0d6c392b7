// Creation, and what operators ask for. The clients' calls are in
// coordinator_clients.cc, the driver's steps in coordinator_rounds.cc.
#include "server/core/coordinator.h"

#include <fmt/format.h>

#include <utility>

#include "common/federation/model_id.h"

namespace fedgap {
StatusOr<std::unique_ptr<Coordinator>> Coordinator::Create(Options options,
                                                           Deps deps) {
  FEDGAP_ASSIGN_OR_RETURN(std::unique_ptr<const Model> model,
                          PrepareRun(options));
  std::unique_ptr<Coordinator> coordinator(
      new Coordinator(std::move(options), deps, std::move(model)));
  FEDGAP_RETURN_IF_ERROR(coordinator->Open());
  return coordinator;
}

Coordinator::Coordinator(Options options, Deps deps,
                         std::unique_ptr<const Model> model)
    : options_(std::move(options)),
      deps_(deps),
      model_(std::move(model)),
      layout_hash_(LayoutHash(model_->layout())),
      rules_{options_.config.validation, options_.config.evaluation.local,
             model_->layout(), model_->classes(), model_->pooled_channels()},
      elements_(model_->layout().federated_range().size()),
      progress_(options_.config, *model_,
                {deps.clock, deps.store, deps.events, deps.evaluator}),
      opened_(deps.clock.Now()) {}

namespace {

// How long a resumed run that is over but for the clients' look at the final
// model waits for them to come back.
constexpr std::chrono::seconds kReturnPatience{60};

}  // namespace

Status Coordinator::Open() {
  FEDGAP_ASSIGN_OR_RETURN(
      const OpenedRun opened,
      OpenRun(options_, *model_, deps_.store, deps_.events, progress_));
  FEDGAP_ASSIGN_OR_RETURN(auto contributions, deps_.store.LastContributions());
  MutexLock lock(mutex_);
  run_ = opened.run;
  seconds_before_ = opened.seconds_before;
  if (opened.finished) phase_ = RunPhase::kFinished;
  current_ = progress_.snapshot();
  last_delta_ = progress_.last_delta();
  ledger_ = progress_.ledger();
  last_committed_ = progress_.last_committed();
  contributions_ = std::move(contributions);
  met_rule_ = progress_.stop_reason();
  if (IsOver()) final_look_ = opened_ + kReturnPatience;
  return absl::OkStatus();
}

RunStatus Coordinator::GetStatus() const {
  MutexLock lock(mutex_);
  RunStatus status;
  status.run = run_;
  status.phase =
      phase_ == RunPhase::kWaiting && paused_ ? RunPhase::kPaused : phase_;
  status.last_committed = last_committed_;
  status.round = last_committed_ + 1;
  status.rounds = options_.config.rounds;
  status.connected = registry_.connected_count();
  status.min_clients = options_.config.cohort.min_clients;
  status.model = current_->id();
  status.reason = stop_reason_;
  if (stop_reason_.empty()) status.reason = DescribeWait();
  if (round_.has_value()) {
    status.round = round_->round();
    status.cohort = static_cast<int>(round_->members().size());
    status.received = round_->accepted();
  }
  for (const auto& [name, record] : registry_.clients()) {
    ClientStatus client;
    client.client = name;
    client.connected = record.sink != nullptr;
    client.samples = record.join.samples;
    client.accepted_updates = record.accepted_updates;
    client.rejected_updates = record.rejected_updates;
    if (round_.has_value()) {
      client.in_cohort = round_->members().contains(name);
      client.answered = client.in_cohort && !round_->IsOutstanding(name);
    }
    status.clients.push_back(std::move(client));
  }
  return status;
}

void Coordinator::SetPaused(bool paused, const std::string& by) {
  {
    MutexLock lock(mutex_);
    const bool is_news = paused_ != paused && phase_ != RunPhase::kFinished;
    paused_ = paused;
    if (is_news) deps_.events.Emit(PauseEvent{paused, by});
  }
  WakeUp();
}

void Coordinator::RequestStop(const std::string& reason, bool resumable) {
  {
    MutexLock lock(mutex_);
    if (phase_ == RunPhase::kFinished || !stop_reason_.empty()) return;
    stop_reason_ = reason;
    resumable_ = resumable;
  }
  WakeUp();
}

bool Coordinator::finished() const {
  MutexLock lock(mutex_);
  return phase_ == RunPhase::kFinished;
}

void Coordinator::SetWakeUp(std::function<void()> wake_up) {
  MutexLock lock(mutex_);
  wake_up_ = std::move(wake_up);
}

void Coordinator::WakeUp() {
  std::function<void()> wake_up;
  {
    MutexLock lock(mutex_);
    wake_up = wake_up_;
  }
  if (wake_up) wake_up();
}

void Coordinator::Pause(const std::string& by) { SetPaused(true, by); }
void Coordinator::Resume(const std::string& by) { SetPaused(false, by); }

void Coordinator::Stop(const std::string& by, const std::string& reason) {
  RequestStop(reason.empty() ? fmt::format("stopped by {}", by)
                             : fmt::format("stopped by {} ({})", by, reason),
              /*resumable=*/false);
}

void Coordinator::Interrupt(const std::string& reason) {
  RequestStop(reason, /*resumable=*/true);
}

}  // namespace fedgap
