#include "server/core/client_registry.h"

#include <utility>

namespace fedgap {

bool ClientRegistry::Join(const ClientName& client,
                          const JoinRequest& request) {
  const auto [entry, inserted] = clients_.try_emplace(client);
  entry->second.join = request;
  return !inserted;
}

ClientRecord* ClientRegistry::Find(const ClientName& client) {
  const auto found = clients_.find(client);
  return found == clients_.end() ? nullptr : &found->second;
}

std::shared_ptr<TaskSink> ClientRegistry::Connect(
    ClientRecord& record, std::shared_ptr<TaskSink> sink) {
  if (record.sink == nullptr) ++connected_;
  return std::exchange(record.sink, std::move(sink));
}

bool ClientRegistry::Disconnect(const ClientName& client,
                                const TaskSink* sink) {
  ClientRecord* record = Find(client);
  if (record == nullptr || sink == nullptr || record->sink.get() != sink) {
    return false;
  }
  record->sink.reset();
  --connected_;
  return true;
}

std::vector<ClientName> ClientRegistry::Connected() const {
  std::vector<ClientName> names;
  for (const auto& [name, record] : clients_) {
    if (record.sink != nullptr) names.push_back(name);
  }
  return names;
}

}  // namespace fedgap
