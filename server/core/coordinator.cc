// Creation, and what operators ask for. The clients' calls are in
// coordinator_clients.cc, the driver's steps in coordinator_rounds.cc.
#include "server/core/coordinator.h"

#include <fmt/format.h>

#include <utility>

#include "common/crypto/secure_random.h"
#include "common/federation/model_id.h"

namespace fedgap {
namespace {

RunId MakeRunId(const std::string& name) {
  return {fmt::format("{}-{:016x}", name, RandomUint64())};
}

}  // namespace

StatusOr<std::unique_ptr<Coordinator>> Coordinator::Create(Options options,
                                                           Deps deps) {
  // Tasks and validation take the resolution groups from the evaluation.
  options.config.evaluation.local.groups = options.config.groups;
  FEDGAP_RETURN_IF_ERROR(Validate(options.config));
  FEDGAP_ASSIGN_OR_RETURN(std::unique_ptr<const Model> model,
                          Model::Create(options.model));
  if (options.initial.has_value() &&
      static_cast<std::int64_t>(options.initial->size()) !=
          model->layout().elements()) {
    return absl::InvalidArgumentError(
        fmt::format("the initial model has {} parameters, {} needs {}",
                    options.initial->size(), options.model.name,
                    model->layout().elements()));
  }
  if (model->layout().range(TensorRole::kPerGroup).size() > 0) {
    return absl::UnimplementedError(
        "tensors with role per_group cannot be aggregated yet; use shared or "
        "local");
  }
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

Status Coordinator::Open() {
  FEDGAP_ASSIGN_OR_RETURN(std::optional<RestoredRun> restored,
                          deps_.store.Restore());
  RunStartedEvent event;
  MutexLock lock(mutex_);
  if (restored.has_value()) {
    if (restored->record.layout_hash != ToHex(layout_hash_)) {
      return absl::FailedPreconditionError(fmt::format(
          "the run directory holds run {} with another model (layout {}, not "
          "{}); give another --run-dir",
          restored->record.run.value, restored->record.layout_hash,
          ToHex(layout_hash_)));
    }
    run_ = restored->record.run;
    seconds_before_ = restored->seconds;
    event.resumed = true;
    if (restored->finished) phase_ = RunPhase::kFinished;
    FEDGAP_RETURN_IF_ERROR(progress_.Restore(*std::move(restored)));
  } else {
    run_ = MakeRunId(options_.config.name);
    Parameters initial = options_.initial.has_value()
                             ? *options_.initial
                             : model_->InitialParameters(options_.config.seed);
    RunRecord record;
    record.run = run_;
    record.config_toml = options_.config_toml;
    record.model_json = ToJson(model_->spec());
    record.class_names = options_.class_names;
    record.layout_hash = ToHex(layout_hash_);
    FEDGAP_RETURN_IF_ERROR(progress_.Start(record, std::move(initial)));
  }
  current_ = progress_.snapshot();
  last_delta_ = progress_.last_delta();
  ledger_ = progress_.ledger();
  last_committed_ = progress_.last_committed();
  event.run = run_;
  event.name = options_.config.name;
  event.seed = options_.config.seed;
  event.rounds = options_.config.rounds;
  event.model = model_->spec().name;
  event.parameters = elements_;
  event.layout_hash = ToHex(layout_hash_);
  event.initial_model = current_->id();
  for (int g = 0; g < options_.config.groups.count(); ++g) {
    event.group_labels.push_back(options_.config.groups.Label(g));
  }
  event.class_names = options_.class_names;
  event.config_toml = options_.config_toml;
  event.software = options_.software;
  event.last_committed = last_committed_;
  deps_.events.Emit(event);
  deps_.events.Flush();
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
  if (status.phase == RunPhase::kWaiting) {
    status.reason = fmt::format("{} of {} clients connected", status.connected,
                                status.min_clients);
  }
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

void Coordinator::SetPaused(bool paused) {
  {
    MutexLock lock(mutex_);
    paused_ = paused;
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

void Coordinator::Pause() { SetPaused(true); }
void Coordinator::Resume() { SetPaused(false); }

void Coordinator::Stop(const std::string& reason) {
  RequestStop(reason, /*resumable=*/false);
}

void Coordinator::Interrupt(const std::string& reason) {
  RequestStop(reason, /*resumable=*/true);
}

}  // namespace fedgap
