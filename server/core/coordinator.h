// The heart of the server: one run, round after round.
#ifndef FEDGAP_SERVER_CORE_COORDINATOR_H_
#define FEDGAP_SERVER_CORE_COORDINATOR_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/federation/join.h"
#include "common/federation/run_config.h"
#include "common/federation/run_status.h"
#include "common/federation/task.h"
#include "common/federation/update.h"
#include "common/nn/model.h"
#include "common/telemetry/events.h"
#include "server/aggregation/update_validation.h"
#include "server/core/client_registry.h"
#include "server/core/evaluator.h"
#include "server/core/model_snapshot.h"
#include "server/core/open_round.h"
#include "server/core/round_policy.h"
#include "server/core/run_opening.h"
#include "server/core/run_progress.h"
#include "server/core/run_store.h"
#include "server/core/submission.h"
#include "server/core/task_sink.h"
#include "server/core/update_review.h"

namespace fedgap {

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

  using Options = RunDefinition;

  // A new run, or the one that `deps.store` holds, continued. All of `deps`
  // must outlive it. INVALID_ARGUMENT for an impossible configuration,
  // FAILED_PRECONDITION if the stored run has another model or other classes,
  // errors of the store. The rest of the configuration is the caller's to
  // compare (RunRecord::config_toml).
  static StatusOr<std::unique_ptr<Coordinator>> Create(Options options,
                                                       Deps deps);

  // --- Clients (thread-safe) ----------------------------------------------

  // FAILED_PRECONDITION: another protocol version (both are named), or the run
  // is finished (a client that took part may come, to be told how it ended).
  // ABORTED: another program with the client's certificate
  // (another instance) is connected; both are named, here and in the event log.
  // A probe gets the reply and leaves no trace.
  StatusOr<JoinReply> Join(const ClientName& client, const std::string& peer,
                           const JoinRequest& request);
  // ABORTED, as from Join, unless `instance` is that of the program which
  // joined last in the client's name. OK where none has joined: the call that
  // follows says so.
  Status CheckInstance(const ClientName& client, const std::string& peer,
                       std::uint64_t instance);
  // The client must have joined (else NOT_FOUND). Takes over from an earlier
  // stream of the same client. Pushes the open task that it has not answered.
  Status Subscribe(const ClientName& client, const TaskId& last,
                   std::shared_ptr<TaskSink> sink);
  // The connection of `sink` is gone; nothing happens if another took over.
  void Unsubscribe(const ClientName& client, const TaskSink* sink,
                   const std::string& reason);
  // NOT_FOUND unless it is the current model.
  StatusOr<std::shared_ptr<const ModelSnapshot>> GetModel(
      const ModelId& id) const;
  // Whether bytes are wanted at all, before any is sent. NOT_FOUND: unknown
  // client; FAILED_PRECONDITION: stale round or task; INVALID_ARGUMENT: wrong
  // layout hash or length; ALREADY_EXISTS: a different update of this task was
  // accepted.
  StatusOr<UploadDecision> BeginUpload(const ClientName& client,
                                       const UploadHeader& header);
  // Whether nothing that the client sends for `task` can count any more: its
  // part in the round has ended, or the round has. Between two attempts at a
  // round, which have the same tasks, those of connected clients go on.
  bool IsTaskOver(const ClientName& client, const TaskId& task) const;
  // Validates (one pass over delta: call it on a worker thread) and takes the
  // update. The codes of BeginUpload; INVALID_ARGUMENT also for NaN, infinite
  // or excessive values and impossible counts. A rejection is an event, ends
  // the client's part in the round, and hurts nobody else. FAILED_PRECONDITION
  // also if the attempt ended meanwhile: the next one asks for the update
  // again. UNAVAILABLE, DATA_LOSS: the staged bytes could not be read here; it
  // is to be sent again.
  StatusOr<Verdict> Submit(const ClientName& client, Submission submission);
  // What the client sent for `task` (empty: nobody knows for which) was refused
  // before it became a Submission, and the client will not send it again. If
  // that is the task that it is being asked, its part in the round ends as
  // after any rejection; else nothing happens.
  void RejectUpload(const ClientName& client, const TaskId& task,
                    const Status& status);
  // The client will not answer `task`, for instance because its release does
  // not know the kind: the open round does not wait for it (RejectUpload).
  // NOT_FOUND: it has not joined.
  Status Decline(const ClientName& client, const TaskId& task,
                 const std::string& reason);
  // The client goes for good. Nothing happens if another program of its name is
  // the one that takes part (JoinRequest::instance).
  Status Leave(const ClientName& client, const std::string& reason,
               std::uint64_t instance = 0);
  // Ends the client's connection with `why`, which is logged as the reason
  // behind "expelled: "; the open round does not wait for it. With a
  // `connection` only if it is that one. NOT_FOUND: it has not joined;
  // FAILED_PRECONDITION: it is not connected.
  Status Expel(const ClientName& client, const Status& why,
               const TaskSink* connection = nullptr);
  // Bytes of models and tasks sent to a client, for the round's event.
  void CountBytesDown(std::int64_t bytes);

  const Model& model() const { return *model_; }
  const Sha256Digest& layout_hash() const { return layout_hash_; }

  // --- Operators (thread-safe) --------------------------------------------

  RunStatus GetStatus() const;
  // What the run waits for and cannot go on without, in words for people;
  // empty: nothing. Also the reason in GetStatus.
  std::string WaitsFor() const;
  // Until when somebody may still come who does not know that the run is over:
  // its connection was lost less than `patience` ago, and it said no goodbye.
  // Nothing: nobody, or the run is not over for good.
  std::optional<Clock::Time> UntoldUntil(Clock::Duration patience) const;
  // Orders, `by` whom in words for the log ("operator NAME").
  void Pause(const std::string& by);  // after the round that is running
  void Resume(const std::string& by);
  // Ends the run for good with what is committed; an open round is aborted. The
  // run's reason is "stopped by `by` (`reason`)", the part in brackets only
  // where there is a reason.
  void Stop(const std::string& by, const std::string& reason);
  // The process is going away: an open round is aborted, clients are told to
  // come back (UNAVAILABLE), and the run can be resumed from its last commit.
  void Interrupt(const std::string& reason);

  // --- The driver (one thread) --------------------------------------------

  // Does everything that is due now. Returns when it wants to be called again
  // at the latest (nullopt: only after a wake-up). An error is final: the
  // store failed, or a round was aborted again and again (ABORTED: then
  // finished() is true as well). The last commit is intact.
  StatusOr<std::optional<Clock::Time>> Advance();
  bool finished() const;
  // Called (from any thread, no lock held) when Advance has new work.
  void SetWakeUp(std::function<void()> wake_up);

 private:
  Coordinator(Options options, Deps deps, std::unique_ptr<const Model> model);

  // Restores or creates the run.
  Status Open();

  // What the driver does next, decided under the lock, done outside it.
  enum class Step { kRest, kStart, kAccumulate, kClose, kAbort, kFinish };
  struct Plan {
    Step step = Step::kRest;
    std::optional<Clock::Time> wake = std::nullopt;
    RoundDecision decision = {};
  };

  Plan Decide() REQUIRES(mutex_);
  Plan DecideWaiting() REQUIRES(mutex_);
  Plan DecideShort() REQUIRES(mutex_);
  Plan DecideOver() REQUIRES(mutex_);
  Plan DecideCollecting() REQUIRES(mutex_);
  Plan DecideClosing() REQUIRES(mutex_);
  Status Do(const Plan& plan);
  Status StartRound();
  void AccumulateInbox();
  Status CloseRound(const RoundDecision& decision);
  // OK: the commit is tried again later.
  Status TakeFailedCommit(const Status& failure) REQUIRES(mutex_);
  void CloseFinalEvaluation() REQUIRES(mutex_);
  Status AbortRound(const std::string& reason);
  Status FinishRun();
  std::string EndReason() const REQUIRES(mutex_);
  void TakeFailures(const std::vector<std::pair<ClientName, Status>>& failures)
      REQUIRES(mutex_);

  OpenRound::Plan PlanRound(Clock::Time began) REQUIRES(mutex_);
  void AnnounceRound() REQUIRES(mutex_);
  void PushRound() REQUIRES(mutex_);
  void PublishCommit(const RunProgress::Outcome& outcome) REQUIRES(mutex_);
  void PushToAll(const Task& task) REQUIRES(mutex_);
  void Ask(const ClientName& client) REQUIRES(mutex_);
  Task Notice(std::string kind, Round round) const REQUIRES(mutex_);
  void PushCommits(const ClientName& client, TaskSink& sink) const
      REQUIRES(mutex_);
  Task CommittedTask(Round round, bool contributed) const REQUIRES(mutex_);
  Status GoingAway() const REQUIRES(mutex_);
  // Counts no update beyond the target: FAILED_PRECONDITION.
  Status TurnAwayIfFull(const ClientName& client) REQUIRES(mutex_);
  StatusOr<UploadDecision> CheckHeader(const ClientName& client,
                                       const UploadHeader& header)
      REQUIRES(mutex_);
  // What is reviewed outside the lock; of which attempt it is.
  struct Review {
    bool is_training = true;
    Round round = 0;
    int attempt = 0;
    ModelId base;
    std::shared_ptr<const GlobalDelta> last_delta;
  };
  // Nothing for a copy of what is accepted already.
  StatusOr<std::optional<Review>> BeginReview(const ClientName& client,
                                              const UploadHeader& header);
  StatusOr<UpdateReview> CheckSubmission(const Submission& submission,
                                         const Review& review) const;
  StatusOr<Verdict> EndReview(const ClientName& client, const Review& review,
                              const StatusOr<UpdateReview>& found,
                              Submission submission) REQUIRES(mutex_);
  void Accept(const ClientName& client, const UpdateReview& found,
              Submission submission) REQUIRES(mutex_);
  void RejectUpdate(const ClientName& client, const Status& status)
      REQUIRES(mutex_);
  bool LastRoundDone() const REQUIRES(mutex_);
  // All rounds are done, or a rule of [stop] is met.
  bool IsOver() const REQUIRES(mutex_);
  int ClientsNeeded() const;
  // What the open attempt, which fails, tells of its members.
  void RememberFailings() REQUIRES(mutex_);
  // After a commit.
  void ForgiveSilences() REQUIRES(mutex_);
  // Connected clients that the next attempt may ask.
  std::vector<ClientName> Eligible() REQUIRES(mutex_);
  std::string DescribeWait() const REQUIRES(mutex_);
  void GiveUpLost(Clock::Time now) REQUIRES(mutex_);
  // Registers the client, unless another program is here in its name.
  Status Admit(const ClientName& client, const std::string& peer,
               const JoinRequest& request) REQUIRES(mutex_);
  // ABORTED. Logged, once a minute for each client.
  Status RefuseSecond(const ClientName& client, ClientRecord& first,
                      const std::string& peer) REQUIRES(mutex_);
  Status Connect(const ClientName& client, std::shared_ptr<TaskSink> sink)
      EXCLUDES(mutex_);
  // NOT_FOUND: it has not joined.
  StatusOr<ClientRecord*> Joined(const ClientName& client) REQUIRES(mutex_);
  // Ends the client's connection with `end`; no round waits for it.
  void Part(const ClientName& client, ClientRecord& record,
            const std::string& reason, const Status& end) REQUIRES(mutex_);
  void WakeUp() EXCLUDES(mutex_);
  void RequestStop(const std::string& reason, bool resumable);
  void SetPaused(bool paused, const std::string& by);

  const Options options_;
  const Deps deps_;
  const std::unique_ptr<const Model> model_;
  const Sha256Digest layout_hash_;
  const UpdateRules rules_;
  const std::int64_t elements_;  // of the federated range

  // The driver's own; touched by Create and Advance only.
  RunProgress progress_;
  // While a round is closing: how it ends, and when its commit is tried again
  // that failed for want of descriptors.
  RoundDecision closing_;
  std::optional<Clock::Time> commit_again_;
  int failed_commits_ = 0;

  mutable Mutex mutex_;
  RunId run_ GUARDED_BY(mutex_);
  RunPhase phase_ GUARDED_BY(mutex_) = RunPhase::kWaiting;
  ClientRegistry registry_ GUARDED_BY(mutex_);
  std::optional<OpenRound> round_ GUARDED_BY(mutex_);
  std::vector<RunProgress::AcceptedUpdate> inbox_ GUARDED_BY(mutex_);
  std::shared_ptr<const ModelSnapshot> current_ GUARDED_BY(mutex_);
  std::shared_ptr<const GlobalDelta> last_delta_ GUARDED_BY(mutex_);
  std::vector<LedgerEntry> ledger_ GUARDED_BY(mutex_);
  Round last_committed_ GUARDED_BY(mutex_) = 0;
  // The last round that counted an update of each client.
  std::map<ClientName, Round> contributions_ GUARDED_BY(mutex_);
  // In earlier attempts at the round: whose updates were rejected, and how
  // often a client gave no answer (of one that was left out of the last round,
  // once before this one).
  std::set<ClientName> rejected_ GUARDED_BY(mutex_);
  std::map<ClientName, int> silences_ GUARDED_BY(mutex_);
  int attempts_ GUARDED_BY(mutex_) = 0;
  // Since when there have been too few clients for a round.
  std::optional<Clock::Time> short_since_ GUARDED_BY(mutex_);
  Clock::Time not_before_ GUARDED_BY(mutex_){};
  bool paused_ GUARDED_BY(mutex_) = false;
  // Why the run ends although no rule of its own says so: an operator, the
  // system (then it is resumable), or failures. The first reason stays. Once
  // the run is finished, why it did.
  std::string stop_reason_ GUARDED_BY(mutex_);
  bool resumable_ GUARDED_BY(mutex_) = false;
  Status failure_ GUARDED_BY(mutex_);
  // Which rule of [stop] was met, as of the last commit; "": none.
  std::string met_rule_ GUARDED_BY(mutex_);
  bool final_evaluation_done_ GUARDED_BY(mutex_) = false;
  // When the final look no longer waits for clients that come back.
  Clock::Time final_look_ GUARDED_BY(mutex_){};
  std::vector<UpdateInfo> final_evaluations_ GUARDED_BY(mutex_);
  std::int64_t bytes_up_ GUARDED_BY(mutex_) = 0;
  std::int64_t bytes_down_ GUARDED_BY(mutex_) = 0;
  Clock::Time opened_ GUARDED_BY(mutex_);
  double seconds_before_ GUARDED_BY(mutex_) = 0;
  std::function<void()> wake_up_ GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_COORDINATOR_H_
