// Where a run survives the process.
#ifndef FEDGAP_SERVER_CORE_RUN_STORE_H_
#define FEDGAP_SERVER_CORE_RUN_STORE_H_

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/pooled_statistics.h"
#include "common/telemetry/events.h"
#include "common/tensor/parameters.h"
#include "server/aggregation/prototypes.h"
#include "server/aggregation/server_optimizer.h"

namespace fedgap {

struct RunRecord {
  RunId run;
  std::string config_toml;
  std::string model_json;
  std::string layout_hash;  // hex
  // By label; a stored model names its classes. May be empty.
  std::vector<std::string> class_names;
};

// One client's part of a round, by name.
struct PooledRecord {
  ClientName client;
  PooledStatistics pooled;
};

// What the ledger remembers of one accepted update, so that a second copy
// after a restart is recognised. The info does not enter the digest: updates
// without a vector (evaluations) all have the same.
struct LedgerEntry {
  ClientName client;
  TaskId task;
  std::string digest;  // hex, of the update's vector
};

// All that a commit makes durable, in one transaction.
struct RoundCommit {
  Round round = 0;
  int attempt = 1;
  ModelId model;
  // The whole buffer, federated range then local tensors (as initialised).
  // Borrowed.
  std::span<const float> parameters;
  OptimizerState optimizer;
  Prototypes prototypes;
  std::vector<PooledRecord> pooled;  // sorted by client
  std::vector<LedgerEntry> ledger;   // sorted by client
  // Re-emitted if the process dies between the commit and the event log.
  RoundCommittedEvent event;
  // Decides early stopping: the evaluations so far without a better mean, and
  // the best mean, in millionths.
  int stale_evaluations = 0;
  std::int64_t best_accuracy_millionths = 0;
  // Which rule of [stop] this round met: the run ends with it. "": none.
  std::string stop_reason;
};

// The newest commit, read back and verified.
struct RestoredRun {
  RunRecord record;
  Round round = 0;
  ModelId model;
  Parameters parameters;
  // Of the round before: what updates are compared with is the difference.
  // Empty after round 0, or where it is gone.
  Parameters parameters_before;
  OptimizerState optimizer;
  Prototypes prototypes;
  std::vector<LedgerEntry> ledger;  // of that round
  int stale_evaluations = 0;
  std::int64_t best_accuracy_millionths = 0;
  std::string stop_reason;
  bool finished = false;
  std::string finished_reason;  // of MarkFinished
  double seconds = 0;           // of training before the restart
};

// Durable state of one run. Called from one thread at a time.
// Implementations: SqliteRunStore (server/store), MemoryRunStore in tests and
// small simulations.
class RunStore {
 public:
  virtual ~RunStore() = default;

  // The newest commit that verifies, or nothing for a new directory. DATA_LOSS
  // names the torn or flipped file if none verifies.
  virtual StatusOr<std::optional<RestoredRun>> Restore() = 0;
  // Begins a run with its initial model as round 0.
  virtual Status Create(const RunRecord& record,
                        const RoundCommit& initial) = 0;
  // Atomic: after an error, or a crash at any moment, the state is the one
  // before. RESOURCE_EXHAUSTED: disk full.
  virtual Status Commit(const RoundCommit& commit) = 0;
  // The last committed round that counted an update of each client.
  virtual StatusOr<std::map<ClientName, Round>> LastContributions() = 0;
  virtual Status MarkFinished(const std::string& reason, double seconds) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_RUN_STORE_H_
