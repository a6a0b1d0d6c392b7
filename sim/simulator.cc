#include "sim/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "server/core/cohort_selection.h"

namespace fedgap {
namespace {

// As often a round is tried at most whose clients do not answer.
constexpr int kMaxAttempts = 20;

ClientJoinedEvent DescribeClient(const ClientName& name,
                                 const DataSource& data) {
  ClientJoinedEvent event;
  event.client = name;
  event.peer = "simulated";
  event.samples = data.size();
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const std::int64_t pixels = data.image_size(i).pixels();
    event.min_pixels = i == 0 ? pixels : std::min(event.min_pixels, pixels);
    event.max_pixels = std::max(event.max_pixels, pixels);
  }
  return event;
}

}  // namespace

StatusOr<std::unique_ptr<Simulator>> Simulator::Create(Options options,
                                                       Deps deps) {
  FEDGAP_ASSIGN_OR_RETURN(std::unique_ptr<const Model> model,
                          PrepareRun(options.run));
  std::unique_ptr<Simulator> simulator(
      new Simulator(std::move(options), deps, std::move(model)));
  FEDGAP_RETURN_IF_ERROR(simulator->CheckCohort());
  FEDGAP_RETURN_IF_ERROR(simulator->Open());
  return simulator;
}

Simulator::Simulator(Options options, Deps deps,
                     std::unique_ptr<const Model> model)
    : options_(std::move(options)),
      deps_(deps),
      model_(std::move(model)),
      rules_{options_.run.config.validation,
             options_.run.config.evaluation.local, model_->layout(),
             model_->classes(), model_->pooled_channels()},
      behavior_(options_.behavior, options_.run.config, deps.population),
      progress_(options_.run.config, *model_,
                {deps.clock, deps.store, deps.events, deps.evaluator}),
      local_tensors_(options_.local_tensors,
                     model_->layout().range(TensorRole::kLocal).size()),
      clients_(options_.threads, {*model_, rules_, deps.clock, deps.population,
                                  deps.interruption}),
      leader_(deps.leader != nullptr ? *deps.leader : alone_),
      opened_(deps.clock.Now()) {}

Status Simulator::CheckCohort() const {
  if (deps_.replay != nullptr) return absl::OkStatus();
  const CohortConfig& cohort = options_.run.config.cohort;
  const std::size_t clients = deps_.population.size();
  if (clients < static_cast<std::size_t>(std::max(1, cohort.min_clients))) {
    return absl::InvalidArgumentError(
        fmt::format("cohort.min_clients = {}: the simulation has {} clients",
                    cohort.min_clients, clients));
  }
  if (cohort.over_selection > 1 &&
      options_.behavior.seconds_per_megapixel == 0) {
    return absl::InvalidArgumentError(
        "cohort.over_selection above 1: which clients answer first is not "
        "simulated; give simulation.seconds_per_megapixel");
  }
  const int target = DrawCohort(cohort, 0, 0, clients).target;
  if (target > cohort.max_size) {
    return absl::InvalidArgumentError(
        fmt::format("a cohort of {} clients: the accumulator is set up for "
                    "cohort.max_size = {}",
                    target, cohort.max_size));
  }
  return absl::OkStatus();
}

Status Simulator::Open() {
  FEDGAP_ASSIGN_OR_RETURN(
      const OpenedRun opened,
      OpenRun(options_.run, *model_, deps_.store, deps_.events, progress_));
  run_ = opened.run;
  finished_before_ = opened.finished;
  seconds_before_ = opened.seconds_before;
  FEDGAP_RETURN_IF_ERROR(CheckReplay());
  if (!LastRoundDone() && deps_.replay == nullptr) {
    stop_reason_ = progress_.stop_reason();
  }
  return local_tensors_.Restore(progress_.last_committed());
}

// Of the last commit.
Status Simulator::CheckReplay() const {
  if (deps_.replay == nullptr) return absl::OkStatus();
  return deps_.replay->Check(last_committed(), model());
}

void Simulator::AnnouncePopulation() const {
  const Population& population = deps_.population;
  SimulationStartedEvent event;
  event.clients = static_cast<std::int64_t>(population.size());
  event.population = population.Describe();
  event.threads = options_.threads;
  deps_.events.Emit(event);
  if (!population.is_roster()) return;
  for (std::size_t i = 0; i < population.size(); ++i) {
    const auto data = population.DataOf(i);
    if (data.ok()) {
      deps_.events.Emit(DescribeClient(population.NameOf(i), **data));
    }
  }
}

bool Simulator::Interrupted() const {
  return stopped_elsewhere_ || deps_.interruption.requested();
}

std::string Simulator::InterruptionReason() const {
  return deps_.interruption.requested() ? deps_.interruption.reason()
                                        : "another rank was stopped";
}

Status Simulator::Run() {
  if (finished_before_ && (deps_.replay == nullptr || LastRoundDone())) {
    return absl::OkStatus();
  }
  AnnouncePopulation();
  while (!LastRoundDone() && stop_reason_.empty() && !Interrupted()) {
    FEDGAP_RETURN_IF_ERROR(RunRound());
    FEDGAP_RETURN_IF_ERROR(CheckReplay());
  }
  if (!Interrupted()) {
    FEDGAP_RETURN_IF_ERROR(EvaluateFinalModel());
  }
  return Finish();
}

OpenRound::Plan Simulator::PlanRound(const std::vector<std::size_t>& cohort,
                                     int target) const {
  OpenRound::Plan plan;
  plan.run = run_;
  plan.round = progress_.last_committed() + 1;
  plan.base = progress_.snapshot();
  plan.started = deps_.clock.Now();
  plan.cohort.target = target;
  for (const std::size_t client : cohort) {
    plan.cohort.clients.push_back(deps_.population.NameOf(client));
  }
  return plan;
}

// The cohort of the next round, tried until enough of it would answer.
StatusOr<VirtualRound> Simulator::DrawRound() {
  const RunConfig& config = options_.run.config;
  const Round round = progress_.last_committed() + 1;
  if (deps_.replay != nullptr) {
    VirtualRound plan;
    plan.contributors = deps_.replay->ContributorsOf(round);
    plan.cohort = plan.contributors;
    plan.target = static_cast<int>(plan.cohort.size());
    return plan;
  }
  if (!behavior_.active()) {
    CohortDraw draw =
        DrawCohort(config.cohort, config.seed, round, deps_.population.size());
    VirtualRound plan;
    plan.target = draw.target;
    plan.contributors = draw.positions;
    plan.cohort = std::move(draw.positions);
    return plan;
  }
  for (attempt_ = 1;; ++attempt_) {
    VirtualRound plan = behavior_.Plan(round, attempt_);
    deps_.events.Emit(VirtualRoundEvent{
        round, plan.seconds, static_cast<int>(plan.cohort.size()),
        static_cast<int>(plan.contributors.size()), plan.unavailable,
        plan.dropped, plan.late});
    if (plan.decision.action == RoundAction::kClose) return plan;
    deps_.events.Emit(RoundAbortedEvent{round, attempt_, plan.decision.reason});
    if (attempt_ == kMaxAttempts) {
      return absl::FailedPreconditionError(
          fmt::format("round {} failed {} times; the last time: {}", round,
                      attempt_, plan.decision.reason));
    }
  }
}

Status Simulator::RunRound() {
  const Clock::Time began = deps_.clock.Now();
  FEDGAP_RETURN_IF_ERROR(progress_.BeginAttempt());
  FEDGAP_ASSIGN_OR_RETURN(VirtualRound drawn, DrawRound());
  OpenRound::Plan plan = PlanRound(drawn.cohort, drawn.target);
  plan.started = began;
  plan.attempt = attempt_;
  PlanTraining(options_.run.config, plan);
  plan.deadline.reset();  // of virtual time, if any
  deps_.events.Emit(RoundStartedEvent{
      plan.round, plan.attempt, plan.base->id(), plan.cohort.clients,
      std::get<TrainTask>(plan.work).training.learning_rate});

  UpdateCollection collection(std::move(plan),
                              {deps_.events, progress_, local_tensors_});
  std::vector<std::size_t> others;
  std::ranges::set_difference(drawn.cohort, drawn.contributors,
                              std::back_inserter(others));
  for (const std::size_t client : others) {
    collection.Leave(deps_.population.NameOf(client));
  }
  FEDGAP_RETURN_IF_ERROR(TrainCohort(drawn.contributors, collection));
  if (Interrupted()) {
    local_tensors_.Drop();
    deps_.events.Emit(RoundAbortedEvent{collection.round().round(),
                                        collection.round().attempt(),
                                        InterruptionReason()});
    return absl::OkStatus();
  }
  return CloseRound(drawn.decision.ending, collection);
}

RankOrder Simulator::OrderFor(RankOrder::Kind kind, const OpenRound& round,
                              const std::vector<std::size_t>& clients) {
  RankOrder order;
  if (leader_.alone()) return order;
  order.kind = kind;
  order.run = run_;
  order.round = round.round();
  order.attempt = round.attempt();
  const auto federated = round.plan().base->federated();
  order.model.assign(federated.begin(), federated.end());
  if (!std::exchange(others_know_delta_, true)) {
    order.last_delta = progress_.last_delta()->values;
  }
  for (const std::size_t client : clients) {
    const ClientName name = deps_.population.NameOf(client);
    const auto tensors = local_tensors_.Of(name);
    if (tensors.empty()) continue;
    order.local_tensors.emplace_back(
        name, Parameters(tensors.begin(), tensors.end()));
  }
  return order;
}

Status Simulator::TrainCohort(const std::vector<std::size_t>& cohort,
                              UpdateCollection& collection) {
  FEDGAP_ASSIGN_OR_RETURN(const ClientPool::Clients own,
                          leader_.HandOut(OrderFor(RankOrder::Kind::kTrain,
                                                   collection.round(), cohort),
                                          deps_.population, cohort));
  Status trained = clients_.Train(
      own, collection.round(), *progress_.last_delta(),
      [this](const ClientName& name) { return local_tensors_.Of(name); },
      [&](TrainedUpdate update) { collection.Take(std::move(update)); });
  FEDGAP_RETURN_IF_ERROR(TakeFromElsewhere(collection));
  if (!trained.ok() || Interrupted()) {
    FEDGAP_RETURN_IF_ERROR(leader_.Drop());
    return trained;
  }
  collection.Flush();
  if (leader_.alone() || !progress_.streams()) return leader_.Drop();
  FEDGAP_RETURN_IF_ERROR(leader_.AskForSums());
  return collection.MergeElsewhere(leader_.reducer());
}

Status Simulator::TakeFromElsewhere(UpdateCollection& collection) {
  FEDGAP_ASSIGN_OR_RETURN(RankAnswer answer, leader_.Collect());
  if (!answer.status.ok()) {
    FEDGAP_RETURN_IF_ERROR(leader_.Drop());
    return answer.status;
  }
  for (TrainedUpdate& update : answer.updates) {
    collection.Take(std::move(update));
  }
  if (answer.interrupted) stopped_elsewhere_ = true;
  return absl::OkStatus();
}

Status Simulator::CloseRound(RoundEnding ending, UpdateCollection& collection) {
  const OpenRound& round = collection.round();
  const RoundSituation situation = collection.SituationAt(round.plan().started);
  const RoundDecision decision = DecideRound(situation);
  if (decision.action != RoundAction::kClose) {
    local_tensors_.Drop();
    deps_.events.Emit(
        RoundAbortedEvent{round.round(), round.attempt(), decision.reason});
    return absl::FailedPreconditionError(
        fmt::format("round {} would fail as often as it is tried: {}",
                    round.round(), decision.reason));
  }
  FEDGAP_RETURN_IF_ERROR(local_tensors_.Save(round.round()));
  RunProgress::ClosedRound closed;
  closed.round = round.round();
  closed.attempt = round.attempt();
  closed.started = round.plan().started;
  closed.ending =
      behavior_.active() && situation.rejected == 0 ? ending : decision.ending;
  closed.bytes_up = collection.bytes_up();
  closed.bytes_down = std::ssize(round.plan().base->bytes()) *
                      std::ssize(round.plan().cohort.clients);
  FEDGAP_ASSIGN_OR_RETURN(const RunProgress::Outcome outcome,
                          progress_.Commit(closed));
  local_tensors_.Promote();
  // A replay stops where the recorded run did.
  if (!LastRoundDone() && deps_.replay == nullptr) {
    stop_reason_ = outcome.stop_reason;
  }
  return absl::OkStatus();
}

Status Simulator::EvaluateFinalModel() {
  const std::size_t clients = deps_.population.size();
  CohortConfig everybody;
  if (!deps_.population.is_roster()) {
    if (options_.final_evaluation_clients == 0) return absl::OkStatus();
    everybody.size =
        static_cast<int>(std::min(clients, options_.final_evaluation_clients));
  }
  const RunConfig& config = options_.run.config;
  const CohortDraw draw = DrawCohort(everybody, config.seed,
                                     progress_.last_committed() + 1, clients);
  OpenRound::Plan plan = PlanRound(draw.positions, draw.target);
  plan.round = progress_.last_committed();
  PlanEvaluation(config, plan);
  const OpenRound round(std::move(plan));

  FEDGAP_ASSIGN_OR_RETURN(const ClientPool::Clients own,
                          leader_.HandOut(OrderFor(RankOrder::Kind::kEvaluate,
                                                   round, draw.positions),
                                          deps_.population, draw.positions));
  const auto metrics = clients_.Evaluate(
      own, round,
      [this](const ClientName& name) { return local_tensors_.Of(name); });
  FEDGAP_ASSIGN_OR_RETURN(const RankAnswer elsewhere, leader_.Collect());
  if (elsewhere.interrupted) stopped_elsewhere_ = true;
  if (Interrupted()) {
    return absl::OkStatus();
  }
  FEDGAP_RETURN_IF_ERROR(metrics.status());
  FEDGAP_RETURN_IF_ERROR(elsewhere.status);
  deps_.events.Emit(
      FinalEvaluationEvent{model(), SumByGroup({&*metrics, &elsewhere.metrics}),
                           static_cast<int>(draw.positions.size())});
  return absl::OkStatus();
}

Status Simulator::Finish() {
  const bool interrupted = Interrupted();
  const double seconds =
      seconds_before_ + ToSeconds(deps_.clock.Now() - opened_);
  std::string reason = stop_reason_.empty() ? "completed" : stop_reason_;
  if (interrupted) {
    reason = InterruptionReason();
  } else if (deps_.replay != nullptr && !deps_.replay->finished()) {
    reason = "the recorded run came no further";
  } else {
    FEDGAP_RETURN_IF_ERROR(deps_.store.MarkFinished(reason, seconds));
  }
  deps_.events.Emit(
      RunFinishedEvent{reason, model(), progress_.last_committed(), seconds});
  deps_.events.Flush();
  return absl::OkStatus();
}

}  // namespace fedgap
