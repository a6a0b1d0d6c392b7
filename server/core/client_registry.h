// Who the server knows, and who is connected.
#ifndef FEDGAP_SERVER_CORE_CLIENT_REGISTRY_H_
#define FEDGAP_SERVER_CORE_CLIENT_REGISTRY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/join.h"
#include "server/core/task_sink.h"

namespace fedgap {

struct ClientRecord {
  JoinRequest join;
  std::string peer;  // address that it joined from
  // When it was last logged that another program uses the client's name.
  std::optional<Clock::Time> second_logged;
  // Where its tasks go; null while it is not connected.
  std::shared_ptr<TaskSink> sink;
  // Since when its connection is lost, without a goodbye.
  std::optional<Clock::Time> lost;
  std::int64_t accepted_updates = 0;
  std::int64_t rejected_updates = 0;
};

// Sorted by name, so that nothing depends on the order of joining. Not
// thread-safe: the coordinator's lock guards it.
class ClientRegistry {
 public:
  // True if the client was known before.
  bool Join(const ClientName& client, const JoinRequest& request);

  // Null if unknown.
  ClientRecord* Find(const ClientName& client);

  // Replaces the client's connection; the old sink is returned (null if none).
  std::shared_ptr<TaskSink> Connect(ClientRecord& record,
                                    std::shared_ptr<TaskSink> sink);
  // True if `sink` was the client's connection; nothing happens otherwise.
  bool Disconnect(const ClientName& client, const TaskSink* sink);

  std::vector<ClientName> Connected() const;  // sorted
  int connected_count() const { return connected_; }
  const std::map<ClientName, ClientRecord>& clients() const { return clients_; }

 private:
  std::map<ClientName, ClientRecord> clients_;
  int connected_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_CLIENT_REGISTRY_H_
