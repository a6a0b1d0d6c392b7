#include "server/core/run_progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/available_cpus.h"
#include "common/base/check.h"
#include "common/base/kill_point.h"
#include "common/federation/model_id.h"
#include "common/tensor/span_math.h"
#include "server/aggregation/make_round_aggregator.h"
#include "server/aggregation/prototypes.h"

namespace fedgap {
namespace {

constexpr std::size_t kUpdatesAPass = 4;

// When each phase of a round was over.
struct Phases {
  Clock::Time started;
  Clock::Time collected;
  Clock::Time aggregated;
  Clock::Time evaluated;
};

// All but the commit's own, which is known after it.
void SetSeconds(const Phases& at, double select_seconds,
                RoundCommittedEvent& event) {
  event.seconds.select = select_seconds;
  event.seconds.collect = ToSeconds(at.collected - at.started);
  event.seconds.aggregate = ToSeconds(at.aggregated - at.collected);
  event.seconds.evaluate = ToSeconds(at.evaluated - at.aggregated);
  event.seconds.total = ToSeconds(at.evaluated - at.started);
}

std::set<ClientName> ClientsOf(const std::vector<LedgerEntry>& ledger) {
  std::set<ClientName> clients;
  for (const LedgerEntry& entry : ledger) clients.insert(entry.client);
  return clients;
}

}  // namespace

RunProgress::RunProgress(const RunConfig& config, const Model& model, Deps deps)
    : config_(config),
      model_(model),
      deps_(deps),
      layout_hash_(LayoutHash(model.layout())),
      federated_(model.layout().federated_range().size()),
      pool_(ThreadsFor(config.aggregation.threads)),
      last_delta_(std::make_shared<const GlobalDelta>()),
      optimizer_(MakeServerOptimizer(config.aggregation, federated_)) {}

Status RunProgress::Start(const RunRecord& record, Parameters initial) {
  snapshot_ = std::make_shared<const ModelSnapshot>(
      layout_hash_, std::move(initial), federated_, pool_);
  RoundCommit commit;
  commit.model = snapshot_->id();
  commit.parameters = snapshot_->parameters();
  commit.optimizer = optimizer_->state();
  return deps_.store.Create(record, commit);
}

Status RunProgress::Restore(RestoredRun restored) {
  const auto expected = static_cast<std::size_t>(model_.layout().elements());
  if (restored.parameters.size() != expected) {
    return absl::DataLossError(
        fmt::format("the stored model has {} parameters, this one {}",
                    restored.parameters.size(), expected));
  }
  snapshot_ = std::make_shared<const ModelSnapshot>(
      layout_hash_, std::move(restored.parameters), federated_, pool_);
  if (snapshot_->id() != restored.model) {
    return absl::DataLossError(fmt::format(
        "the stored model of round {} has id {}, its record says {}",
        restored.round, ToHex(snapshot_->id()), ToHex(restored.model)));
  }
  FEDGAP_RETURN_IF_ERROR(optimizer_->Restore(restored.optimizer));
  Parameters change = std::move(restored.parameters_before);
  if (!change.empty()) {
    // A store's models are all of the run's layout.
    FEDGAP_CHECK(change.size() == expected);
    change.resize(static_cast<std::size_t>(federated_));
    Subtract(snapshot_->federated(), change, change);
  }
  last_delta_ = std::make_shared<const GlobalDelta>(std::move(change));
  last_committed_ = restored.round;
  ledger_ = std::move(restored.ledger);
  early_stop_ = {restored.best_accuracy_millionths, restored.stale_evaluations};
  stop_reason_ = std::move(restored.stop_reason);
  return absl::OkStatus();
}

Status RunProgress::BeginAttempt() {
  accepted_.clear();
  if (next_.has_value()) {
    FEDGAP_CHECK(optimizer_->Restore(optimizer_before_).ok());
    next_.reset();
  }
  FEDGAP_ASSIGN_OR_RETURN(
      aggregator_, MakeRoundAggregator(config_.aggregation, config_.validation,
                                       config_.cohort, federated_, pool_));
  return absl::OkStatus();
}

std::vector<std::pair<ClientName, Status>> RunProgress::Accumulate(
    std::vector<AcceptedUpdate> updates) {
  FEDGAP_CHECK(aggregator_ != nullptr);
  std::vector<std::pair<ClientName, Status>> failures;
  for (std::size_t begin = 0; begin < updates.size(); begin += kUpdatesAPass) {
    const std::size_t end = std::min(begin + kUpdatesAPass, updates.size());
    std::vector<Contribution> pass;
    // There and back: what an update says is large, and not copied.
    for (std::size_t i = begin; i < end; ++i) {
      pass.push_back(std::move(updates[i].contribution));
    }
    const bool together = aggregator_->Accumulate(pass).ok();
    for (std::size_t i = begin; i < end; ++i) {
      updates[i].contribution = std::move(pass[i - begin]);
      // One broken file fails its pass: find out whose it is.
      const Status status =
          together
              ? absl::OkStatus()
              : aggregator_->Accumulate(std::span(&updates[i].contribution, 1));
      const ClientName client = updates[i].contribution.client;
      if (!status.ok()) {
        failures.emplace_back(client, status);
        continue;
      }
      if (aggregator_->streams()) updates[i].contribution.delta.reset();
      accepted_[client] = std::move(updates[i]);
    }
  }
  return failures;
}

bool RunProgress::streams() const {
  FEDGAP_CHECK(aggregator_ != nullptr);
  return aggregator_->streams();
}

Status RunProgress::MergeElsewhere(SumReducer& reducer,
                                   std::vector<AcceptedUpdate> updates) {
  FEDGAP_CHECK(aggregator_ != nullptr);
  std::vector<ClientCounts> elsewhere;
  for (const AcceptedUpdate& update : updates) {
    elsewhere.push_back(
        {update.contribution.client, update.contribution.info.counts});
  }
  FEDGAP_RETURN_IF_ERROR(
      aggregator_->Reduce(reducer, /*is_root=*/true, elsewhere));
  for (AcceptedUpdate& update : updates) {
    const ClientName client = update.contribution.client;
    accepted_[client] = std::move(update);
  }
  return absl::OkStatus();
}

StatusOr<RunProgress::Outcome> RunProgress::Commit(const ClosedRound& closed) {
  StatusOr<Draft> draft = DraftCommit(closed);
  Status status = draft.status();
  if (status.ok()) status = Store(closed, *draft);
  if (!status.ok()) {
    Status failure(
        status.code(),
        fmt::format("commit of round {}: {}; the rounds before it are safe, "
                    "and the run can be gone on with (--resume)",
                    closed.round, MessageOf(status)));
    status.ForEachPayload([&failure](auto key, const absl::Cord& payload) {
      failure.SetPayload(key, payload);
    });
    return failure;
  }
  return Adopt(*std::move(draft));
}

StatusOr<RunProgress::Draft> RunProgress::DraftCommit(
    const ClosedRound& closed) {
  Phases at;
  at.started = closed.started;
  at.collected = deps_.clock.Now();
  if (!next_.has_value()) FEDGAP_RETURN_IF_ERROR(MoveModel());
  const NextModel& next = *next_;
  Draft draft;
  RoundCommit& commit = draft.commit;
  commit.prototypes = ComputePrototypes();
  at.aggregated = deps_.clock.Now();
  KillPoint("aggregated");

  commit.event = DescribeRound(closed, next);
  FEDGAP_ASSIGN_OR_RETURN(commit.event.evaluated,
                          EvaluateIfDue(closed.round, next, commit.prototypes,
                                        commit.event.evaluation));
  at.evaluated = draft.evaluated = deps_.clock.Now();
  KillPoint("evaluated");

  draft.early_stop = early_stop_;
  commit.stop_reason = DecideStop(commit.event, draft.early_stop);
  SetSeconds(at, closed.select_seconds, commit.event);
  commit.round = closed.round;
  commit.attempt = closed.attempt;
  commit.model = next.snapshot->id();
  commit.parameters = next.snapshot->parameters();
  commit.optimizer = optimizer_->state();
  commit.best_accuracy_millionths = draft.early_stop.best_millionths;
  commit.stale_evaluations = draft.early_stop.stale_evaluations;
  return draft;
}

Status RunProgress::Store(const ClosedRound& closed, Draft& draft) {
  RoundCommit& commit = draft.commit;
  MoveContributors(commit);
  Status stored = deps_.store.Commit(commit);
  if (!stored.ok()) {
    for (PooledRecord& record : commit.pooled) {
      accepted_.at(record.client).contribution.info.pooled =
          std::move(record.pooled);
    }
    return stored;
  }
  const Clock::Time committed = deps_.clock.Now();
  commit.event.seconds.commit = ToSeconds(committed - draft.evaluated);
  commit.event.seconds.total = ToSeconds(committed - closed.started);
  deps_.events.Emit(commit.event);
  deps_.events.Flush();
  return absl::OkStatus();
}

// The pooled statistics are the large part of what is kept of an update: they
// are moved, so that they are there once, whatever the cohort.
void RunProgress::MoveContributors(RoundCommit& commit) {
  for (auto& [client, update] : accepted_) {
    commit.pooled.push_back(
        {client, std::move(update.contribution.info.pooled)});
    commit.ledger.push_back({client, update.task, update.digest});
  }
}

RunProgress::Outcome RunProgress::Adopt(Draft draft) {
  last_committed_ = draft.commit.round;
  snapshot_ = std::move(next_->snapshot);
  last_delta_ = std::make_shared<const GlobalDelta>(std::move(next_->delta));
  next_.reset();
  optimizer_before_.clear();
  early_stop_ = draft.early_stop;
  stop_reason_ = std::move(draft.commit.stop_reason);
  ledger_ = std::move(draft.commit.ledger);
  accepted_.clear();
  aggregator_.reset();
  return {snapshot_, ClientsOf(ledger_), stop_reason_};
}

Status RunProgress::MoveModel() {
  FEDGAP_ASSIGN_OR_RETURN(Aggregate aggregate, aggregator_->Report());
  aggregator_.reset();
  optimizer_before_ = optimizer_->state();
  Parameters moved = snapshot_->parameters();
  const auto federated =
      std::span(moved).first(static_cast<std::size_t>(federated_));
  optimizer_->Step(aggregate.delta, federated);
  Parameters change = std::move(aggregate.delta);
  Subtract(federated, snapshot_->federated(), change);
  next_ = {std::make_shared<const ModelSnapshot>(layout_hash_, std::move(moved),
                                                 federated_, pool_),
           GlobalDelta(std::move(change)),
           std::move(aggregate.client_influence),
           std::move(aggregate.group_influence)};
  return absl::OkStatus();
}

Prototypes RunProgress::ComputePrototypes() const {
  std::vector<ClientPooled> clients;
  for (const auto& [client, update] : accepted_) {
    const UpdateInfo& info = update.contribution.info;
    clients.push_back({{client, info.counts}, &info.pooled});
  }
  return AggregatePooled(config_.aggregation.weighting, model_.classes(),
                         model_.pooled_channels(), std::move(clients))
      .prototypes;
}

StatusOr<bool> RunProgress::EvaluateIfDue(Round round, const NextModel& next,
                                          const Prototypes& prototypes,
                                          ServerEvaluation& evaluation) {
  if (deps_.evaluator == nullptr) return false;
  const bool last = round >= config_.rounds;
  if (!last && round % std::max(1, config_.evaluation.every) != 0) return false;
  FEDGAP_ASSIGN_OR_RETURN(
      evaluation,
      deps_.evaluator->Evaluate(next.snapshot->parameters(), prototypes));
  return true;
}

RoundCommittedEvent RunProgress::DescribeRound(const ClosedRound& closed,
                                               const NextModel& next) const {
  RoundCommittedEvent event;
  event.round = closed.round;
  event.attempt = closed.attempt;
  event.model = next.snapshot->id();
  event.ending = ToString(closed.ending);
  event.delta_norm = next.delta.norm;
  const double norms = next.delta.norm * last_delta_->norm;
  if (norms > 0) {
    event.cosine_to_previous =
        Dot(next.delta.values, last_delta_->values) / norms;
  }
  event.group_influence = next.group_influence;
  event.client_influence = next.client_influence;
  event.bytes_up = closed.bytes_up;
  event.bytes_down = closed.bytes_down;
  std::vector<const std::vector<GroupMetrics>*> held_out;
  for (const auto& [client, update] : accepted_) {
    const UpdateInfo& info = update.contribution.info;
    event.contributors.push_back(client);
    event.training += info.training;
    held_out.push_back(&info.held_out_metrics);
  }
  event.client_held_out = SumByGroup(held_out);
  return event;
}

std::string RunProgress::DecideStop(const RoundCommittedEvent& event,
                                    EarlyStop& stop) {
  if (event.evaluated) {
    return stop.Observe(config_.stop, event.evaluation.fairness);
  }
  if (deps_.evaluator == nullptr && !event.client_held_out.empty()) {
    return stop.Observe(config_.stop, Summarize(event.client_held_out));
  }
  return "";
}

}  // namespace fedgap
