// What the ranks of a simulation do that do not keep the run.
#ifndef FEDGAP_SIM_RANK_WORKER_H_
#define FEDGAP_SIM_RANK_WORKER_H_

#include <map>
#include <memory>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/federation/run_config.h"
#include "common/nn/model.h"
#include "common/tensor/parameters.h"
#include "server/aggregation/round_aggregator.h"
#include "server/core/open_round.h"
#include "sim/client_pool.h"
#include "sim/interruption.h"
#include "sim/population.h"
#include "sim/rank_group.h"
#include "sim/rank_messages.h"

namespace fedgap {

// Trains its share of every cohort and adds the updates up; where the strategy
// needs the updates themselves, the root gets them. Holds no state of the run
// beyond the last model.
class RankWorker {
 public:
  // All must outlive the worker.
  struct Deps {
    RankGroup& ranks;
    const RunConfig& config;  // as PrepareRun left it
    const Model& model;
    const Clock& clock;
    const Population& population;
    const Interruption& interruption;
  };

  RankWorker(int threads, Deps deps);

  // Until the root says that the run is over. An error of this rank's own is
  // the root's to report; returned are those of the group: the root is gone.
  Status Serve();

 private:
  using LocalTensors = std::map<ClientName, Parameters>;

  Status Train(RankOrder order);
  Status Evaluate(RankOrder order);
  OpenRound::Plan PlanOf(RankOrder& order) const;
  const std::vector<std::size_t>& ShareOf(const RankOrder& order) const;
  void FollowModel(RankOrder& order);
  void Take(TrainedUpdate update) EXCLUDES(mutex_);
  void AddUp() REQUIRES(mutex_);
  Status Answer(const Status& status, std::vector<GroupMetrics> metrics)
      EXCLUDES(mutex_);

  const Deps deps_;
  const UpdateRules rules_;
  const Sha256Digest layout_hash_;
  ClientPool clients_;
  ThreadPool pool_;
  std::shared_ptr<const ModelSnapshot> model_;
  GlobalDelta last_delta_;

  Mutex mutex_;
  std::unique_ptr<RoundAggregator> aggregator_ GUARDED_BY(mutex_);
  std::vector<TrainedUpdate> updates_ GUARDED_BY(mutex_);
  std::size_t added_ GUARDED_BY(mutex_) = 0;  // of updates_
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_RANK_WORKER_H_
