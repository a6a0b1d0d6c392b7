// A whole run in one process, without sockets.
#ifndef FEDGAP_SIM_SIMULATOR_H_
#define FEDGAP_SIM_SIMULATOR_H_

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/nn/model.h"
#include "common/telemetry/events.h"
#include "server/aggregation/update_validation.h"
#include "server/core/evaluator.h"
#include "server/core/open_round.h"
#include "server/core/run_opening.h"
#include "server/core/run_progress.h"
#include "server/core/run_store.h"
#include "sim/behavior.h"
#include "sim/client_pool.h"
#include "sim/interruption.h"
#include "sim/local_tensors.h"
#include "sim/population.h"
#include "sim/rank_leader.h"
#include "sim/replay.h"
#include "sim/update_collection.h"

namespace fedgap {

// Moves a run through its rounds with the server's own parts, and trains its
// clients with the clients' own: the model has the same bits as over gRPC with
// real processes, whatever the number of threads. A round's clients are made,
// train and are gone again; what is held is a few updates and one trainer a
// thread, however many rounds and clients there are. With a group of ranks the
// others (RankWorker) train most of the clients, to the same bits.
//
// Without behaviour nobody is late and deadlines are not looked at; with it
// (Behavior) only those train whose updates will count.
class Simulator {
 public:
  struct Options {
    RunDefinition run;
    int threads = 1;  // clients that train at a time
    // At most so many look at the final model; all of a roster.
    std::size_t final_evaluation_clients = 1000;
    // What the clients do in virtual time.
    SimulationConfig behavior = {};
    // Where local tensors are kept; empty: in memory only.
    std::filesystem::path local_tensors;
  };
  // All must outlive the simulator.
  struct Deps {
    const Clock& clock;
    RunStore& store;
    EventSink& events;
    Evaluator* evaluator = nullptr;
    const Population& population;
    const Interruption& interruption;
    // The processes that share the work; null: this one is alone.
    RankLeader* leader = nullptr;
    // A run to repeat: its sets of clients instead of drawn ones, no behaviour,
    // no early stop, each model compared. Null: a run of its own.
    const Replay* replay = nullptr;
  };

  // A new run, or the one that `deps.store` holds, continued. The errors of
  // PrepareRun and OpenRun; INVALID_ARGUMENT if the population does not fit the
  // configuration.
  static StatusOr<std::unique_ptr<Simulator>> Create(Options options,
                                                     Deps deps);

  // To the end of the run, or to an interruption (OK as well): then the open
  // round is given up and the run can be resumed from its last commit.
  // INVALID_ARGUMENT names a client whose data does not fit the model;
  // FAILED_PRECONDITION: too many updates of a round were refused, or a replay
  // came to another model (Replay::Check); errors of the store.
  Status Run();

  // Of the last commit.
  ModelId model() const { return progress_.snapshot()->id(); }
  Round last_committed() const { return progress_.last_committed(); }

 private:
  Simulator(Options options, Deps deps, std::unique_ptr<const Model> model);
  Status Open();
  Status CheckCohort() const;
  void AnnouncePopulation() const;

  Status RunRound();
  StatusOr<VirtualRound> DrawRound();
  OpenRound::Plan PlanRound(const std::vector<std::size_t>& cohort,
                            int target) const;
  RankOrder OrderFor(RankOrder::Kind kind, const OpenRound& round,
                     const std::vector<std::size_t>& clients);
  Status TrainCohort(const std::vector<std::size_t>& cohort,
                     UpdateCollection& collection);
  // What the other ranks trained.
  Status TakeFromElsewhere(UpdateCollection& collection);
  Status CloseRound(RoundEnding ending, UpdateCollection& collection);
  Status EvaluateFinalModel();
  Status Finish();

  // Here or at another rank.
  bool Interrupted() const;
  std::string InterruptionReason() const;
  bool LastRoundDone() const {
    return progress_.last_committed() >= (deps_.replay != nullptr
                                              ? deps_.replay->last_round()
                                              : options_.run.config.rounds);
  }
  Status CheckReplay() const;

  const Options options_;
  const Deps deps_;
  const std::unique_ptr<const Model> model_;
  const UpdateRules rules_;
  const Behavior behavior_;
  RunProgress progress_;
  LocalTensors local_tensors_;
  ClientPool clients_;
  RankLeader alone_{nullptr};
  RankLeader& leader_;
  bool others_know_delta_ = false;  // the last change of the model
  bool stopped_elsewhere_ = false;

  RunId run_;
  bool finished_before_ = false;
  double seconds_before_ = 0;
  Clock::Time opened_;
  std::string stop_reason_;
  int attempt_ = 1;  // at the round that follows the last committed one
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_SIMULATOR_H_
