#include "sim/client_pool.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <utility>

#include "common/base/mutex.h"
#include "server/aggregation/memory_vector.h"
#include "server/core/update_review.h"

namespace fedgap {
namespace {

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

ClientPool::ClientPool(int threads, Deps deps)
    : deps_(deps), threads_(threads) {}

// The first, which have the most work, get what does not divide.
void ClientPool::ShareThreads(std::size_t clients) {
  if (clients == 0) return;
  const int threads = threads_.threads();
  const int at_work =
      static_cast<int>(std::min(clients, static_cast<std::size_t>(threads)));
  engines_.resize(static_cast<std::size_t>(at_work));
  for (int i = 0; i < at_work; ++i) {
    const int share = threads / at_work + (i < threads % at_work ? 1 : 0);
    auto& engine = engines_[static_cast<std::size_t>(i)];
    if (engine != nullptr && engine->threads() == share) continue;
    engine = std::make_unique<TrainingEngines>(
        deps_.model, TrainingEngines::Options{.threads = share});
  }
}

// With fewer clients than threads any thread may take any of them.
TrainingEngines& ClientPool::EngineFor(int i, int thread) {
  const bool one_each = std::ssize(engines_) < threads_.threads();
  return *engines_[static_cast<std::size_t>(one_each ? i : thread)];
}

ClientPool::Clients ClientPool::LargestFirst(Clients clients) const {
  std::vector<std::pair<std::int64_t, std::size_t>> order;
  order.reserve(clients.size());
  for (const std::size_t client : clients) {
    order.emplace_back(-deps_.population.PixelsOf(client), client);
  }
  std::ranges::sort(order);
  std::ranges::transform(order, clients.begin(),
                         [](const auto& entry) { return entry.second; });
  return clients;
}

StatusOr<ClientPool::ClientAtWork> ClientPool::MakeClient(
    std::size_t client, TrainingEngines& engine,
    std::function<bool()> should_stop) {
  const ClientName name = deps_.population.NameOf(client);
  auto data = deps_.population.DataOf(client);
  if (!data.ok()) return Annotate(data.status(), name.value);
  auto trainer = LocalTrainer::Create(engine, **data, deps_.clock,
                                      {name, std::move(should_stop)});
  if (!trainer.ok()) return Annotate(trainer.status(), name.value);
  return ClientAtWork{*std::move(data), *std::move(trainer)};
}

Status ClientPool::Train(const Clients& clients, const OpenRound& round,
                         const GlobalDelta& last_delta,
                         const LocalTensorsOf& local_of, const Take& take) {
  FirstError error;
  const auto should_stop = [&] {
    return error.failed() || deps_.interruption.requested();
  };
  const Clients queue = LargestFirst(clients);
  ShareThreads(queue.size());
  threads_.ParallelFor(static_cast<int>(queue.size()), [&](int i, int thread) {
    if (should_stop()) return;
    auto update =
        TrainOne(queue[static_cast<std::size_t>(i)], EngineFor(i, thread),
                 round, last_delta, local_of, should_stop);
    error.Note(update.status());
    if (update.ok() && *update != nullptr) take(std::move(**update));
  });
  return error.Take();
}

StatusOr<std::unique_ptr<TrainedUpdate>> ClientPool::TrainOne(
    std::size_t client, TrainingEngines& engine, const OpenRound& round,
    const GlobalDelta& last_delta, const LocalTensorsOf& local_of,
    const std::function<bool()>& should_stop) {
  const ClientName name = deps_.population.NameOf(client);
  FEDGAP_ASSIGN_OR_RETURN(const ClientAtWork at_work,
                          MakeClient(client, engine, should_stop));
  const Task task = round.TaskFor(name, round.plan().started);
  auto result =
      at_work.trainer->Train(task, std::get<TrainTask>(task.work),
                             round.plan().base->federated(), local_of(name));
  if (result.status().code() == absl::StatusCode::kCancelled) return nullptr;
  if (!result.ok()) return Annotate(result.status(), name.value);
  return std::make_unique<TrainedUpdate>(
      Review(name, *std::move(result), round, last_delta));
}

TrainedUpdate ClientPool::Review(const ClientName& client,
                                 LocalTrainer::Result result,
                                 const OpenRound& round,
                                 const GlobalDelta& last_delta) const {
  TrainedUpdate update;
  update.client = client;
  update.info = std::move(result.update.info);
  update.digest = DeltaDigest(result.update.delta);
  update.bytes =
      static_cast<std::int64_t>(result.update.delta.size() * sizeof(float));
  update.local = std::move(result.local);
  update.delta = std::make_shared<MemoryVector>(std::move(result.update.delta));
  const StatusOr<UpdateReview> review =
      ReviewUpdate(update.info, *update.delta, deps_.rules, last_delta);
  update.verdict = review.status();
  if (review.ok()) update.review = *review;
  update.arrived_seconds = ToSeconds(deps_.clock.Now() - round.plan().started);
  return update;
}

StatusOr<UpdateInfo> ClientPool::EvaluateOne(std::size_t client,
                                             TrainingEngines& engine,
                                             const OpenRound& round,
                                             const LocalTensorsOf& local_of) {
  const ClientName name = deps_.population.NameOf(client);
  FEDGAP_ASSIGN_OR_RETURN(const ClientAtWork at_work,
                          MakeClient(client, engine, [this] {
                            return deps_.interruption.requested();
                          }));
  const Task task = round.TaskFor(name, round.plan().started);
  FEDGAP_ASSIGN_OR_RETURN(Update update,
                          at_work.trainer->Evaluate(
                              task, std::get<EvaluateTask>(task.work),
                              round.plan().base->federated(), local_of(name)));
  FEDGAP_RETURN_IF_ERROR(ValidateEvaluation(update.info, deps_.rules));
  return std::move(update.info);
}

StatusOr<std::vector<GroupMetrics>> ClientPool::Evaluate(
    const Clients& clients, const OpenRound& round,
    const LocalTensorsOf& local_of) {
  FirstError error;
  std::vector<std::vector<GroupMetrics>> sums(
      static_cast<std::size_t>(threads_.threads()));
  const Clients queue = LargestFirst(clients);
  ShareThreads(queue.size());
  threads_.ParallelFor(static_cast<int>(queue.size()), [&](int i, int thread) {
    if (error.failed() || deps_.interruption.requested()) return;
    const auto info = EvaluateOne(queue[static_cast<std::size_t>(i)],
                                  EngineFor(i, thread), round, local_of);
    error.Note(info.status());
    if (!info.ok()) return;
    auto& sum = sums[static_cast<std::size_t>(thread)];
    sum = SumByGroup({&sum, &info->held_out_metrics});
  });
  const Status status = error.Take();
  if (!status.ok() && !deps_.interruption.requested()) return status;
  std::vector<const std::vector<GroupMetrics>*> parts;
  for (const auto& sum : sums) parts.push_back(&sum);
  return SumByGroup(parts);
}

}  // namespace fedgap
