// The global model of a run and everything that moves it from round to round.
#ifndef FEDGAP_SERVER_CORE_RUN_PROGRESS_H_
#define FEDGAP_SERVER_CORE_RUN_PROGRESS_H_

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/federation/run_config.h"
#include "common/nn/model.h"
#include "common/telemetry/events.h"
#include "server/aggregation/contribution.h"
#include "server/aggregation/round_aggregator.h"
#include "server/aggregation/server_optimizer.h"
#include "server/core/early_stop.h"
#include "server/core/evaluator.h"
#include "server/core/model_snapshot.h"
#include "server/core/round_policy.h"
#include "server/core/run_store.h"
#include "server/core/update_review.h"

namespace fedgap {

// Aggregates a round's updates, steps the server optimiser, evaluates and
// commits. All of it happens on the driver's thread: not thread-safe, but the
// snapshots it hands out are immutable and shared.
class RunProgress {
 public:
  struct Deps {
    const Clock& clock;
    RunStore& store;
    EventSink& events;
    Evaluator* evaluator = nullptr;
  };

  // An accepted update and the digest that the ledger remembers.
  struct AcceptedUpdate {
    Contribution contribution;
    TaskId task;
    std::string digest;
  };

  // What the coordinator knows of a round that closes.
  struct ClosedRound {
    Round round = 0;
    int attempt = 1;
    RoundEnding ending = RoundEnding::kComplete;
    double select_seconds = 0;
    Clock::Time started;
    std::int64_t bytes_up = 0;
    std::int64_t bytes_down = 0;
  };

  struct Outcome {
    std::shared_ptr<const ModelSnapshot> model;
    std::set<ClientName> contributors;
    std::string stop_reason;  // "" to go on
  };

  // Either continues `restored` or starts from `initial` (round 0).
  RunProgress(const RunConfig& config, const Model& model, Deps deps);

  // Starts from these parameters; the store gets them as round 0.
  Status Start(const RunRecord& record, Parameters initial);
  // Continues from a commit. DATA_LOSS if it does not fit the model.
  Status Restore(RestoredRun restored);

  Round last_committed() const { return last_committed_; }
  const std::shared_ptr<const ModelSnapshot>& snapshot() const {
    return snapshot_;
  }
  // Which rule of [stop] the last committed round met: no round follows it. "":
  // none. Survives a restart.
  const std::string& stop_reason() const { return stop_reason_; }
  // The committed round's contributors, for copies that arrive late.
  const std::vector<LedgerEntry>& ledger() const { return ledger_; }
  // The last round's change of the global model; empty before the second
  // round, and after a restart that has lost the model before. Immutable:
  // validation threads read it.
  const std::shared_ptr<const GlobalDelta>& last_delta() const {
    return last_delta_;
  }

  // A fresh attempt at a round: forgets what was accumulated.
  Status BeginAttempt();
  // Takes updates, four at a time. Returns the clients whose update could not
  // be aggregated (its file is broken), with the cause.
  std::vector<std::pair<ClientName, Status>> Accumulate(
      std::vector<AcceptedUpdate> updates);
  // Whether what is accumulated is a sum, and no update is kept for it.
  bool streams() const;
  // Takes into the sums what other processes added up of this attempt, each of
  // which calls its aggregator's Reduce at the same time; `updates` are theirs,
  // without deltas. After an error the attempt is void.
  Status MergeElsewhere(SumReducer& reducer,
                        std::vector<AcceptedUpdate> updates);
  // Report, optimiser step, evaluation, durable commit, event. After an error,
  // of the evaluation or the store, the same call may be made again, or another
  // attempt be begun: the committed state is that before the call.
  StatusOr<Outcome> Commit(const ClosedRound& closed);

 private:
  // What the round's updates make of the model.
  struct NextModel {
    std::shared_ptr<const ModelSnapshot> snapshot;
    GlobalDelta delta;
    std::vector<ClientInfluence> client_influence;
    std::vector<GroupInfluence> group_influence;
  };

  // What a round becomes before it is stored.
  struct Draft {
    RoundCommit commit;
    EarlyStop early_stop;
    Clock::Time evaluated;
  };

  // Sets next_. The sums are gone then: a large model stands in memory as
  // seldom as can be.
  Status MoveModel();
  StatusOr<Draft> DraftCommit(const ClosedRound& closed);
  Status Store(const ClosedRound& closed, Draft& draft);
  Outcome Adopt(Draft draft);

  Prototypes ComputePrototypes() const;
  void MoveContributors(RoundCommit& commit);
  StatusOr<bool> EvaluateIfDue(Round round, const NextModel& next,
                               const Prototypes& prototypes,
                               ServerEvaluation& evaluation);
  RoundCommittedEvent DescribeRound(const ClosedRound& closed,
                                    const NextModel& next) const;
  std::string DecideStop(const RoundCommittedEvent& event, EarlyStop& stop);

  const RunConfig& config_;
  const Model& model_;
  Deps deps_;
  Sha256Digest layout_hash_;
  std::int64_t federated_;
  ThreadPool pool_;

  Round last_committed_ = 0;
  std::shared_ptr<const ModelSnapshot> snapshot_;
  std::shared_ptr<const GlobalDelta> last_delta_;
  std::unique_ptr<ServerOptimizer> optimizer_;
  OptimizerState optimizer_before_;  // the step to next_
  EarlyStop early_stop_;
  std::string stop_reason_;
  std::vector<LedgerEntry> ledger_;

  std::unique_ptr<RoundAggregator> aggregator_;
  std::optional<NextModel> next_;  // until it is committed
  // Of the attempt, by name; deltas are dropped once they are accumulated.
  std::map<ClientName, AcceptedUpdate> accepted_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_RUN_PROGRESS_H_
