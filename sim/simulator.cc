#include "sim/simulator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <numeric>
#include <utility>

#include "server/aggregation/memory_vector.h"
#include "server/core/cohort_selection.h"
#include "server/core/update_review.h"

namespace fedgap {
namespace {

// Updates that wait to be added in one pass.
constexpr std::size_t kUpdatesAPass = 4;
// As often a round is tried at most whose clients do not answer.
constexpr int kMaxAttempts = 20;

// The clients with the most work first, so that none begins when the others
// are nearly done.
std::vector<std::size_t> LargestFirst(const Population& population,
                                      std::vector<std::size_t> clients) {
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  order.reserve(clients.size());
  for (const std::size_t client : clients) {
    order.emplace_back(-population.PixelsOf(client), client);
  }
  std::ranges::sort(order);
  std::ranges::transform(order, clients.begin(),
                         [](const auto& entry) { return entry.second; });
  return clients;
}

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

UpdateRejectedEvent DescribeRejection(Round round, const ClientName& client,
                                      const Status& status) {
  return {round, client, absl::StatusCodeToString(status.code()),
          MessageOf(status)};
}

// The first error of many threads, and whether the others should go on.
class FirstError {
 public:
  void Note(const Status& status) EXCLUDES(mutex_) {
    if (status.ok()) return;
    MutexLock lock(mutex_);
    if (status_.ok()) status_ = status;
    failed_.store(true);
  }
  bool failed() const { return failed_.load(); }
  Status Take() EXCLUDES(mutex_) {
    MutexLock lock(mutex_);
    return status_;
  }

 private:
  std::atomic<bool> failed_ = false;
  Mutex mutex_;
  Status status_ GUARDED_BY(mutex_);
};

}  // namespace

struct Simulator::Collection {
  explicit Collection(OpenRound::Plan plan) : round(std::move(plan)) {}

  FirstError error;
  Mutex mutex;
  OpenRound round;  // its members change under the lock; the plan never does
  std::vector<RunProgress::AcceptedUpdate> waiting GUARDED_BY(mutex);
  std::int64_t bytes_up GUARDED_BY(mutex) = 0;

  // Adds what waits to the round's sums.
  void Flush(RunProgress& progress, EventSink& events) REQUIRES(mutex) {
    const auto failures = progress.Accumulate(std::exchange(waiting, {}));
    for (const auto& [client, status] : failures) {
      round.Reject(client);
      events.Emit(DescribeRejection(round.round(), client, status));
    }
  }
};

// A client for as long as it works.
struct Simulator::ClientAtWork {
  std::shared_ptr<const DataSource> data;
  std::unique_ptr<LocalTrainer> trainer;
};

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
      pool_(options_.threads),
      opened_(deps.clock.Now()) {
  for (int thread = 0; thread < options_.threads; ++thread) {
    engines_.push_back(
        std::make_unique<TrainingEngines>(*model_, TrainingEngines::Options{}));
  }
}

Status Simulator::CheckCohort() const {
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
  if (!LastRoundDone()) stop_reason_ = progress_.stop_reason();
  return local_tensors_.Restore(progress_.last_committed());
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

Status Simulator::Run() {
  if (finished_before_) return absl::OkStatus();
  AnnouncePopulation();
  while (!LastRoundDone() && stop_reason_.empty() &&
         !deps_.interruption.requested()) {
    FEDGAP_RETURN_IF_ERROR(RunRound());
  }
  if (!deps_.interruption.requested()) {
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

  Collection collection(std::move(plan));
  std::vector<std::size_t> others;
  std::ranges::set_difference(drawn.cohort, drawn.contributors,
                              std::back_inserter(others));
  for (const std::size_t client : others) {
    collection.round.Leave(deps_.population.NameOf(client));
  }
  FEDGAP_RETURN_IF_ERROR(
      TrainCohort(LargestFirst(deps_.population, std::move(drawn.contributors)),
                  collection));
  if (deps_.interruption.requested()) {
    local_tensors_.Drop();
    deps_.events.Emit(RoundAbortedEvent{collection.round.round(),
                                        collection.round.attempt(),
                                        deps_.interruption.reason()});
    return absl::OkStatus();
  }
  return CloseRound(drawn.decision.ending, collection);
}

Status Simulator::TrainCohort(const std::vector<std::size_t>& cohort,
                              Collection& collection) {
  pool_.ParallelFor(static_cast<int>(cohort.size()), [&](int i, int thread) {
    if (collection.error.failed() || deps_.interruption.requested()) return;
    collection.error.Note(
        TrainClient(cohort[static_cast<std::size_t>(i)], thread, collection));
  });
  FEDGAP_RETURN_IF_ERROR(collection.error.Take());
  MutexLock lock(collection.mutex);
  collection.Flush(progress_, deps_.events);
  return absl::OkStatus();
}

StatusOr<Simulator::ClientAtWork> Simulator::MakeClient(
    std::size_t client, int thread, std::function<bool()> should_stop) {
  const ClientName name = deps_.population.NameOf(client);
  auto data = deps_.population.DataOf(client);
  if (!data.ok()) return Annotate(data.status(), name.value);
  auto trainer =
      LocalTrainer::Create(*engines_[static_cast<std::size_t>(thread)], **data,
                           deps_.clock, {name, std::move(should_stop)});
  if (!trainer.ok()) return Annotate(trainer.status(), name.value);
  return ClientAtWork{*std::move(data), *std::move(trainer)};
}

Status Simulator::TrainClient(std::size_t client, int thread,
                              Collection& collection) {
  const ClientName name = deps_.population.NameOf(client);
  const OpenRound& round = collection.round;
  FEDGAP_ASSIGN_OR_RETURN(const ClientAtWork at_work,
                          MakeClient(client, thread, [this, &collection] {
                            return collection.error.failed() ||
                                   deps_.interruption.requested();
                          }));
  const Task task = round.TaskFor(name, round.plan().started);
  auto result = at_work.trainer->Train(task, std::get<TrainTask>(task.work),
                                       round.plan().base->federated(),
                                       local_tensors_.Of(name));
  if (result.status().code() == absl::StatusCode::kCancelled) {
    return absl::OkStatus();
  }
  if (!result.ok()) return Annotate(result.status(), name.value);
  TakeUpdate(name, *std::move(result), collection);
  return absl::OkStatus();
}

void Simulator::TakeUpdate(const ClientName& client,
                           LocalTrainer::Result result,
                           Collection& collection) {
  UpdateInfo& info = result.update.info;
  std::string digest = DeltaDigest(result.update.delta);
  const auto bytes =
      static_cast<std::int64_t>(result.update.delta.size() * sizeof(float));
  auto delta = std::make_shared<MemoryVector>(std::move(result.update.delta));
  const StatusOr<UpdateReview> review =
      ReviewUpdate(info, *delta, rules_, *progress_.last_delta());
  OpenRound& round = collection.round;
  const double arrived = ToSeconds(deps_.clock.Now() - round.plan().started);
  if (review.ok()) {
    deps_.events.Emit(DescribeUpdate(client, info, *review, arrived, bytes));
  } else {
    deps_.events.Emit(
        DescribeRejection(round.round(), client, review.status()));
  }
  MutexLock lock(collection.mutex);
  round.BeginValidation(client, digest);
  if (!review.ok()) {
    round.Reject(client);
    return;
  }
  round.Accept(client);
  collection.bytes_up += bytes;
  local_tensors_.Propose(client, std::move(result.local));
  const TaskId task = info.task;
  collection.waiting.push_back(
      {{client, std::move(info), std::move(delta), review->facts.scale},
       task,
       std::move(digest)});
  if (collection.waiting.size() >= kUpdatesAPass)
    collection.Flush(progress_, deps_.events);
}

Status Simulator::CloseRound(RoundEnding ending, Collection& collection) {
  const OpenRound& round = collection.round;
  const RoundDecision decision =
      DecideRound(round.SituationAt(round.plan().started));
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
      behavior_.active() && round.SituationAt(closed.started).rejected == 0
          ? ending
          : decision.ending;
  {
    MutexLock lock(collection.mutex);
    closed.bytes_up = collection.bytes_up;
  }
  closed.bytes_down = std::ssize(round.plan().base->bytes()) *
                      std::ssize(round.plan().cohort.clients);
  FEDGAP_ASSIGN_OR_RETURN(const RunProgress::Outcome outcome,
                          progress_.Commit(closed));
  local_tensors_.Promote();
  if (!LastRoundDone()) stop_reason_ = outcome.stop_reason;
  return absl::OkStatus();
}

StatusOr<UpdateInfo> Simulator::EvaluateClient(std::size_t client, int thread,
                                               const OpenRound& round) {
  const ClientName name = deps_.population.NameOf(client);
  FEDGAP_ASSIGN_OR_RETURN(const ClientAtWork at_work,
                          MakeClient(client, thread, [this] {
                            return deps_.interruption.requested();
                          }));
  const Task task = round.TaskFor(name, round.plan().started);
  FEDGAP_ASSIGN_OR_RETURN(
      Update update,
      at_work.trainer->Evaluate(task, std::get<EvaluateTask>(task.work),
                                round.plan().base->federated(),
                                local_tensors_.Of(name)));
  FEDGAP_RETURN_IF_ERROR(ValidateEvaluation(update.info, rules_));
  return std::move(update.info);
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

  FirstError error;
  std::vector<std::vector<GroupMetrics>> sums(
      static_cast<std::size_t>(options_.threads));
  const std::vector<std::size_t> queue =
      LargestFirst(deps_.population, draw.positions);
  pool_.ParallelFor(static_cast<int>(queue.size()), [&](int i, int thread) {
    if (error.failed() || deps_.interruption.requested()) return;
    const auto info =
        EvaluateClient(queue[static_cast<std::size_t>(i)], thread, round);
    error.Note(info.status());
    if (!info.ok()) return;
    auto& sum = sums[static_cast<std::size_t>(thread)];
    sum = SumByGroup({&sum, &info->held_out_metrics});
  });
  if (deps_.interruption.requested()) return absl::OkStatus();
  FEDGAP_RETURN_IF_ERROR(error.Take());
  std::vector<const std::vector<GroupMetrics>*> parts;
  for (const auto& sum : sums) parts.push_back(&sum);
  deps_.events.Emit(FinalEvaluationEvent{model(), SumByGroup(parts),
                                         static_cast<int>(queue.size())});
  return absl::OkStatus();
}

Status Simulator::Finish() {
  const bool interrupted = deps_.interruption.requested();
  const double seconds =
      seconds_before_ + ToSeconds(deps_.clock.Now() - opened_);
  std::string reason = stop_reason_.empty() ? "completed" : stop_reason_;
  if (interrupted) {
    reason = deps_.interruption.reason();
  } else {
    FEDGAP_RETURN_IF_ERROR(deps_.store.MarkFinished(reason, seconds));
  }
  deps_.events.Emit(
      RunFinishedEvent{reason, model(), progress_.last_committed(), seconds});
  deps_.events.Flush();
  return absl::OkStatus();
}

}  // namespace fedgap
