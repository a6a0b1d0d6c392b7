// What a client needs of a server, without a word of how it is reached.
#ifndef FEDGAP_CLIENT_CORE_FEDERATION_API_H_
#define FEDGAP_CLIENT_CORE_FEDERATION_API_H_

#include <functional>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/federation/join.h"
#include "common/federation/task.h"
#include "common/federation/update.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// Pushed tasks of one connection, in order. Next is called by one thread.
class TaskSource {
 public:
  virtual ~TaskSource() = default;
  // Blocks until the next task. A connection that the server ends by its age is
  // opened again inside, and the open task may then come twice. UNAVAILABLE
  // when the connection is lost or the server is going away (open again),
  // CANCELLED after FederationApi::Cancel, other codes: the server's refusal.
  virtual StatusOr<Task> Next() = 0;
  // Makes Next return CANCELLED, now and later. Thread-safe.
  virtual void Close() = 0;
};

// Blocking calls; each has its own deadline inside. Every call may fail with
// UNAVAILABLE (try again later), UNAUTHENTICATED or PERMISSION_DENIED (the
// certificate is not accepted; final), CANCELLED (after Cancel).
// Implementations: GrpcFederationApi (client/rpc), InProcessFederationApi
// (tests/testing, sim). One thread calls; Leave and Cancel are thread-safe.
class FederationApi {
 public:
  virtual ~FederationApi() = default;

  // FAILED_PRECONDITION: another protocol version (both are named), or the run
  // is over.
  virtual StatusOr<JoinReply> Join(const JoinRequest& request) = 0;

  // Opens the stream of tasks. The server sends what this client has not yet
  // answered, then each new task as it is made. `last` is the id of the last
  // task that was handled ("" for none).
  virtual StatusOr<std::unique_ptr<TaskSource>> OpenTasks(
      const TaskId& last) = 0;

  // The federated range of a model, verified chunk by chunk and as a whole. A
  // broken transfer resumes where it stopped. NOT_FOUND: the server no longer
  // has it; DATA_LOSS: bytes that do not match the id. `memory`, a model that
  // is no longer needed or nothing, is written over where it is as long; after
  // an error it is gone.
  virtual StatusOr<Parameters> FetchModel(const ModelId& id,
                                          Parameters memory) = 0;

  // Sends a finished update and waits for the verdict. Idempotent: resumes a
  // broken transfer, recognises a copy. FAILED_PRECONDITION: the round has
  // moved on, INVALID_ARGUMENT: rejected, with the cause, ALREADY_EXISTS:
  // another update of this task was accepted; after these three the client
  // drops the update and stays.
  virtual StatusOr<Verdict> SubmitUpdate(const Update& update) = 0;

  // Tells the server not to wait for this client's answer to a task. OK also
  // where the task is not open (any more). UNIMPLEMENTED: a server that knows
  // no such call; it waits until its deadline.
  virtual Status Decline(const TaskId& task, const std::string& reason) = 0;

  // Says goodbye, which ends the stream of tasks (CANCELLED); does not wait
  // longer than a few seconds. The one call that still goes out after Cancel.
  virtual Status Leave(const std::string& reason) = 0;

  // Makes every other call that blocks now or later return CANCELLED.
  virtual void Cancel() = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_FEDERATION_API_H_
