// What a client remembers across restarts.
#ifndef FEDGAP_CLIENT_CORE_CLIENT_STORE_H_
#define FEDGAP_CLIENT_CORE_CLIENT_STORE_H_

#include <map>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/update.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// The finished update of the open round, and the local tensors: provisional
// until the round is committed with this client's update, then promoted. Kept
// by run, so that one state directory serves runs one after another. Called
// from one thread. Implementations: MemoryClientStore, FileClientStore
// (client/store).
class ClientStore {
 public:
  virtual ~ClientStore() = default;

  // The promoted local tensors of a run; empty before the first promotion.
  virtual StatusOr<Parameters> LocalTensors(const RunId& run) = 0;

  // Makes a finished update durable, with the local tensors that go with it,
  // before the first byte of it is sent. Replaces the one before.
  virtual Status SaveUpdate(const RunId& run, const Update& update,
                            const Parameters& provisional) = 0;

  // The saved update of this task, if there is one.
  virtual StatusOr<std::optional<Update>> FindUpdate(const RunId& run,
                                                     const TaskId& task) = 0;

  // The round is over: if the update counted, its provisional tensors become
  // the local ones; either way the update is forgotten. Idempotent; a saved
  // update of another round stays.
  virtual Status Resolve(const RunId& run, Round round, bool contributed) = 0;
};

class MemoryClientStore final : public ClientStore {
 public:
  StatusOr<Parameters> LocalTensors(const RunId& run) override;
  Status SaveUpdate(const RunId& run, const Update& update,
                    const Parameters& provisional) override;
  StatusOr<std::optional<Update>> FindUpdate(const RunId& run,
                                             const TaskId& task) override;
  Status Resolve(const RunId& run, Round round, bool contributed) override;

 private:
  struct State {
    Parameters promoted;
    std::optional<Update> update;
    Parameters provisional;
  };
  std::map<RunId, State> runs_;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_CLIENT_STORE_H_
