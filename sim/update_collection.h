// What the clients of one simulated round send.
#ifndef FEDGAP_SIM_UPDATE_COLLECTION_H_
#define FEDGAP_SIM_UPDATE_COLLECTION_H_

#include <cstdint>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/telemetry/events.h"
#include "server/aggregation/sum_reducer.h"
#include "server/core/open_round.h"
#include "server/core/round_policy.h"
#include "server/core/run_progress.h"
#include "sim/local_tensors.h"
#include "sim/trained_update.h"

namespace fedgap {

// Takes the round's updates from all threads, says what became of each as an
// event, and adds them to the round's sums a few at a time, so that few are
// held. Thread-safe.
class UpdateCollection {
 public:
  // All must outlive the collection, which alone uses the last two meanwhile.
  struct Deps {
    EventSink& events;
    RunProgress& progress;
    LocalTensors& local_tensors;
  };

  UpdateCollection(OpenRound::Plan plan, Deps deps);

  // For what never changes: the plan, and what follows from it.
  const OpenRound& round() const { return round_; }

  // A member that will not answer.
  void Leave(const ClientName& client) EXCLUDES(mutex_);
  // An update without a delta is of another rank, which holds it in its sums.
  void Take(TrainedUpdate update) EXCLUDES(mutex_);
  // Adds what waits to the sums. Then nothing is left but what other ranks
  // hold.
  void Flush() EXCLUDES(mutex_);
  // Adds their sums; as RunProgress::MergeElsewhere.
  Status MergeElsewhere(SumReducer& reducer) EXCLUDES(mutex_);

  RoundSituation SituationAt(Clock::Time now) const EXCLUDES(mutex_);
  std::int64_t bytes_up() const EXCLUDES(mutex_);

 private:
  void AddWaiting() REQUIRES(mutex_);

  const Deps deps_;
  mutable Mutex mutex_;
  // Its members change under the lock; the plan never does.
  OpenRound round_;
  std::vector<RunProgress::AcceptedUpdate> waiting_ GUARDED_BY(mutex_);
  std::vector<RunProgress::AcceptedUpdate> elsewhere_ GUARDED_BY(mutex_);
  std::int64_t bytes_up_ GUARDED_BY(mutex_) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_UPDATE_COLLECTION_H_
