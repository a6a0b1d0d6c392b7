// The heart of the server: one run, round after round.
#ifndef FEDGAP_SERVER_CORE_COORDINATOR_H_
#define FEDGAP_SERVER_CORE_COORDINATOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/federation/join.h"
#include "common/federation/run_config.h"
#include "common/federation/run_status.h"
#include "common/federation/task.h"
#include "common/federation/update.h"
#include "common/nn/model.h"
#include "common/telemetry/events.h"
#include "server/aggregation/contribution.h"
#include "server/core/evaluator.h"
#include "server/core/model_snapshot.h"
#include "server/core/run_store.h"

namespace fedgap {

// Where a connected client's tasks go. Both calls return at once, are made one
// at a time, and never call back into the Coordinator.
class TaskSink {
 public:
  virtual ~TaskSink() = default;
  virtual void Push(const Task& task) = 0;
  // Nothing is pushed any more: another connection of the same client took
  // over (ABORTED), or the run is over (OK).
  virtual void Close(const Status& status) = 0;
};

// What a client announces before it uploads.
struct UploadHeader {
  TaskId task;
  Sha256Digest layout_hash{};
  std::int64_t elements = 0;
  std::string digest;  // XXH3-128 of delta's little-endian bytes, hex
};

enum class UploadDecision { kSend, kAlreadyAccepted };

// A whole update, its bytes checked against the header.
struct Submission {
  UploadHeader header;
  UpdateInfo info;
  // Null for an evaluate task. Dropped as soon as it is aggregated.
  std::shared_ptr<const VectorSource> delta;
  std::int64_t wire_bytes = 0;
};

// Owns the state of a run. Clients' calls come from any thread and return
// without waiting for a round; one driver thread calls Advance, which does the
// heavy work (aggregation, evaluation, commits) outside the lock.
//
//   kWaiting -> kCollecting -> kClosing -> kWaiting ... -> kFinished
class Coordinator {
 public:
  struct Deps {
    const Clock& clock;
    RunStore& store;
    EventSink& events;
    Evaluator* evaluator = nullptr;  // none: the clients' parts only
  };

  struct Options {
    RunConfig config;
    std::string config_toml;  // as it took effect, for the record
    ModelSpec model;
    // Start from these (the whole buffer) instead of the seed's.
    std::optional<Parameters> initial;
    std::string software;
    std::vector<std::string> class_names;
  };

  // A new run, or the one that `deps.store` holds, continued. All of `deps`
  // must outlive it. INVALID_ARGUMENT for an impossible configuration,
  // FAILED_PRECONDITION if the stored run has another model or seed, errors of
  // the store.
  static StatusOr<std::unique_ptr<Coordinator>> Create(Options options,
                                                       Deps deps);
  ~Coordinator();

  // --- Clients (thread-safe) ----------------------------------------------

  // FAILED_PRECONDITION: another protocol version (both are named), or the run
  // is finished.
  StatusOr<JoinReply> Join(const ClientName& client, const std::string& peer,
                           const JoinRequest& request);
  // The client must have joined (else NOT_FOUND). Takes over from an earlier
  // stream of the same client. Pushes the open task that it has not answered.
  Status Subscribe(const ClientName& client, const TaskId& last,
                   std::shared_ptr<TaskSink> sink);
  // The connection of `sink` is gone; nothing happens if another took over.
  void Unsubscribe(const ClientName& client, const TaskSink* sink,
                   const std::string& reason);
  // NOT_FOUND unless it is the current model (or the one before, for a
  // transfer that is still running).
  StatusOr<std::shared_ptr<const ModelSnapshot>> GetModel(
      const ModelId& id) const;
  // Whether bytes are wanted at all, before any is sent. NOT_FOUND: unknown
  // client; FAILED_PRECONDITION: stale round or task; INVALID_ARGUMENT: wrong
  // layout hash or length; ALREADY_EXISTS: a different update of this task was
  // accepted.
  StatusOr<UploadDecision> BeginUpload(const ClientName& client,
                                       const UploadHeader& header);
  // Validates (one pass over delta: call it on a worker thread) and takes the
  // update. The codes of BeginUpload; INVALID_ARGUMENT also for NaN, infinite
  // or excessive values and impossible counts. A rejection is an event, ends
  // the client's part in the round, and hurts nobody else.
  StatusOr<Verdict> Submit(const ClientName& client, Submission submission);
  Status Leave(const ClientName& client, const std::string& reason);
  // Bytes of models and tasks sent to a client, for the round's event.
  void CountBytesDown(std::int64_t bytes);

  const Model& model() const;
  const Sha256Digest& layout_hash() const;

  // --- Operators (thread-safe) --------------------------------------------

  RunStatus GetStatus() const;
  void Pause();  // after the round that is running
  void Resume();
  // Ends the run with what is committed; an open round is aborted.
  void Stop(const std::string& reason);
  // The process is going away: an open round is aborted, clients are told to
  // come back (UNAVAILABLE), and the run can be resumed from its last commit.
  void Interrupt(const std::string& reason);

  // --- The driver (one thread) --------------------------------------------

  // Does everything that is due now. Returns when it wants to be called again
  // at the latest (nullopt: only after a wake-up). An error is final: the
  // store failed, the last commit is intact.
  StatusOr<std::optional<Clock::Time>> Advance();
  bool finished() const;
  // Called (from any thread, no lock held) when Advance has new work.
  void SetWakeUp(std::function<void()> wake_up);

 private:
  class Impl;
  explicit Coordinator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_COORDINATOR_H_
