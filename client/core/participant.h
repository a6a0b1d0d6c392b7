// A client's life in a federation: join, take tasks, answer them, come back
// after every interruption.
#ifndef FEDGAP_CLIENT_CORE_PARTICIPANT_H_
#define FEDGAP_CLIENT_CORE_PARTICIPANT_H_

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "client/core/back_off.h"
#include "client/core/client_store.h"
#include "client/core/federation_api.h"
#include "client/core/local_trainer.h"
#include "client/core/task_inbox.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/data/data_source.h"
#include "common/nn/model.h"

namespace fedgap {

// Told what happens, on the participant's thread. Every method does nothing by
// default.
class ParticipantListener {
 public:
  virtual ~ParticipantListener() = default;
  virtual void OnJoined(const JoinReply& /*run*/) {}
  virtual void OnTask(const Task& /*task*/) {}
  virtual void OnTrained(const UpdateInfo& /*info*/) {}
  virtual void OnAccepted(const UpdateInfo& /*info*/) {}
  // The server refused an update, or the work was overtaken by events; the
  // client stays.
  virtual void OnRejected(const Task& /*task*/, const Status& /*cause*/) {}
  // A kind of task that this release does not know; the client stays.
  virtual void OnDeclined(const Task& /*task*/, const Status& /*cause*/) {}
  virtual void OnDisconnected(const Status& /*cause*/,
                              std::chrono::milliseconds /*retry_in*/) {}
  virtual void OnFinished(const FinishedNotice& /*notice*/) {}
};

class Participant {
 public:
  struct Options {
    ClientName name;
    std::string software;
    int threads = 1;
    // The instruction set to train with; the best that runs here if unset.
    std::optional<kernels::Isa> isa = std::nullopt;
    BackOff::Options back_off;
    // Give up when the client has been out of the run for so long, counted
    // from the start or from the last connection's end; zero: never.
    std::chrono::seconds give_up_after{0};
  };
  // All must outlive the participant; `listener` may be null.
  struct Deps {
    FederationApi& api;
    const DataSource& data;
    ClientStore& store;
    const Clock& clock;
    ParticipantListener* listener = nullptr;
  };

  Participant(Options options, Deps deps);
  ~Participant();

  // Takes part until the run is over (OK), Stop (CANCELLED), give_up_after
  // (UNAVAILABLE), or a refusal that trying again would not change:
  // UNAUTHENTICATED, PERMISSION_DENIED, FAILED_PRECONDITION (protocol, run
  // over), INVALID_ARGUMENT (the data does not fit the model, or has a class
  // that the federation does not know), or an error of the store, whatever its
  // code.
  Status Run();

  // Whether Run ended by an error of the store, and not by the server's word.
  bool store_failed() const { return !store_error_.ok(); }

  // Ends Run soon: training stops between two batches, the server is told.
  // Thread-safe.
  void Stop();

 private:
  // How long to wait after a failure that may pass: never longer than what is
  // left until the client gives up. The failure again when nothing is left.
  StatusOr<std::chrono::milliseconds> PauseAfter(const Status& status);
  // One connection, until it ends.
  Status RunSession();
  Status HandleTasks(TaskInbox& inbox);
  Status EnterRun(const JoinReply& reply);
  StatusOr<bool> Handle(const Task& task, const TaskInbox& inbox);
  Status Train(const Task& task, const TrainTask& work);
  Status Evaluate(const Task& task, const EvaluateTask& work);
  Status Decline(const Task& task);
  StatusOr<Update> FindOrTrain(const Task& task, const TrainTask& work);
  Status Submit(const Task& task, const Update& update);
  Status FetchBase(const ModelId& id);
  // Notes an error of the store, which ends Run, and returns `result`.
  template <typename Result>
  Result FromStore(Result result);
  // False if Stop came first.
  bool Rest(std::chrono::milliseconds duration);
  bool stopped() const;

  const Options options_;
  const Deps deps_;
  ParticipantListener& listener_;
  BackOff back_off_;
  const std::uint64_t instance_;  // of this program, for the server
  Status store_error_;
  // When the server was reached last.
  Clock::Time last_contact_;

  RunId run_;
  std::unique_ptr<const Model> model_;
  // The data with the federation's labels; null where its own are those.
  std::unique_ptr<const DataSource> relabelled_;
  std::unique_ptr<TrainingEngines> engines_;
  std::unique_ptr<LocalTrainer> trainer_;
  TaskId last_task_;
  std::optional<ModelId> base_id_;
  Parameters base_;
  // What the work now going on can be overtaken by; null between tasks.
  const TaskInbox* watched_inbox_ = nullptr;
  const Task* watched_task_ = nullptr;

  mutable Mutex mutex_;
  CondVar stop_changed_;
  bool stop_ GUARDED_BY(mutex_) = false;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_PARTICIPANT_H_
