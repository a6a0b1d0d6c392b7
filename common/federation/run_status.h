// How a run stands, for operators.
#ifndef FEDGAP_COMMON_FEDERATION_RUN_STATUS_H_
#define FEDGAP_COMMON_FEDERATION_RUN_STATUS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/federation/ids.h"

namespace fedgap {

enum class RunPhase {
  kWaiting,     // for clients
  kCollecting,  // updates
  kClosing,     // aggregating, evaluating, committing
  kPaused,
  kFinished,
};

struct ClientStatus {
  ClientName client;
  bool connected = false;
  bool in_cohort = false;
  bool answered = false;  // this round
  std::int64_t samples = 0;
  std::int64_t accepted_updates = 0;
  std::int64_t rejected_updates = 0;
  bool operator==(const ClientStatus&) const = default;
};

struct RunStatus {
  RunId run;
  RunPhase phase = RunPhase::kWaiting;
  Round round = 0;  // being run
  Round last_committed = 0;
  int rounds = 0;
  int cohort = 0;
  int received = 0;
  int connected = 0;
  int min_clients = 0;
  ModelId model;
  std::string reason;  // why it waits, or how it finished
  std::vector<ClientStatus> clients;
  bool operator==(const RunStatus&) const = default;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_RUN_STATUS_H_
