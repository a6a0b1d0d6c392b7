// The simulated clients at work, as many at a time as there are threads.
#ifndef FEDGAP_SIM_CLIENT_POOL_H_
#define FEDGAP_SIM_CLIENT_POOL_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "client/core/local_trainer.h"
#include "client/core/training_engines.h"
#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/federation/metrics.h"
#include "common/nn/model.h"
#include "server/aggregation/update_validation.h"
#include "server/core/open_round.h"
#include "sim/interruption.h"
#include "sim/population.h"
#include "sim/trained_update.h"

namespace fedgap {

// Makes clients, lets them train or look at a model, and forgets them again:
// what is held is one trainer a thread, however many clients there are. Where
// they are fewer than the threads, several threads share a client's batches;
// the bits are the same. One call at a time.
class ClientPool {
 public:
  // All must outlive the pool.
  struct Deps {
    const Model& model;
    const UpdateRules& rules;
    const Clock& clock;
    const Population& population;
    const Interruption& interruption;
  };
  // Positions in the population.
  using Clients = std::vector<std::size_t>;
  // A client's local tensors; called from any thread.
  using LocalTensorsOf =
      std::function<std::span<const float>(const ClientName&)>;
  // Takes an update; called from all threads at the same time.
  using Take = std::function<void(TrainedUpdate)>;

  ClientPool(int threads, Deps deps);

  // Every client trains for the round (of which only the plan is read) and its
  // update is reviewed, its direction compared with `last_delta`. Those with
  // the most work begin first. An interruption ends it early, with OK.
  // INVALID_ARGUMENT names a client whose data does not fit the model.
  Status Train(const Clients& clients, const OpenRound& round,
               const GlobalDelta& last_delta, const LocalTensorsOf& local_of,
               const Take& take);

  // The clients look at the round's model; the sums of their metrics. Errors as
  // above.
  StatusOr<std::vector<GroupMetrics>> Evaluate(const Clients& clients,
                                               const OpenRound& round,
                                               const LocalTensorsOf& local_of);

 private:
  // A client for as long as it works.
  struct ClientAtWork {
    std::shared_ptr<const DataSource> data;
    std::unique_ptr<LocalTrainer> trainer;
  };

  // Engines for so many clients at the same time, with all threads.
  void ShareThreads(std::size_t clients);
  // For place i of a queue for which the threads were shared, by `thread`.
  TrainingEngines& EngineFor(int i, int thread);
  StatusOr<ClientAtWork> MakeClient(std::size_t client, TrainingEngines& engine,
                                    std::function<bool()> should_stop);
  // Nothing where the work was broken off.
  StatusOr<std::unique_ptr<TrainedUpdate>> TrainOne(
      std::size_t client, TrainingEngines& engine, const OpenRound& round,
      const GlobalDelta& last_delta, const LocalTensorsOf& local_of,
      const std::function<bool()>& should_stop);
  TrainedUpdate Review(const ClientName& client, LocalTrainer::Result result,
                       const OpenRound& round,
                       const GlobalDelta& last_delta) const;
  StatusOr<UpdateInfo> EvaluateOne(std::size_t client, TrainingEngines& engine,
                                   const OpenRound& round,
                                   const LocalTensorsOf& local_of);
  // The clients with the most work first, so that none begins when the others
  // are nearly done.
  Clients LargestFirst(Clients clients) const;

  const Deps deps_;
  ThreadPool threads_;
  // One a client at work.
  std::vector<std::unique_ptr<TrainingEngines>> engines_;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_CLIENT_POOL_H_
