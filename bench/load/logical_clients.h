// Many clients in one process: the real connection and protocol, no training.
#ifndef FEDGAP_BENCH_LOAD_LOGICAL_CLIENTS_H_
#define FEDGAP_BENCH_LOAD_LOGICAL_CLIENTS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "client/rpc/grpc_federation_api.h"
#include "common/base/clock.h"
#include "common/base/mutex.h"

namespace fedgap::bench {

// Each fetches the model of every round that it is asked for, checks it, and
// sends an update of the same size, made once.
class LogicalClients {
 public:
  struct Counts {
    std::int64_t accepted = 0;      // training updates
    std::int64_t copies = 0;        // "accepted already"
    std::int64_t refused = 0;       // with a verdict
    std::int64_t disconnected = 0;  // sessions that ended before the run did
  };

  // Starts a thread for each of `options`. `on_commit` is told each round that
  // the first client hears of.
  LogicalClients(std::vector<GrpcFederationApi::Options> options,
                 std::function<void(Round)> on_commit);
  ~LogicalClients();

  int joined() const { return joined_; }
  // Waits until every client has been told that the run is over.
  Counts Wait();

 private:
  void Live(std::size_t index);
  Status LiveSession(std::size_t index, FederationApi& api);
  // `memory` is of the model before, and then of this one.
  Status Answer(FederationApi& api, const Task& task, Parameters& memory);

  const SystemClock clock_;
  const std::vector<GrpcFederationApi::Options> options_;
  const std::function<void(Round)> on_commit_;
  std::atomic<int> joined_ = 0;
  Mutex mutex_;
  Counts counts_ GUARDED_BY(mutex_);
  std::vector<std::thread> threads_;
};

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_LOAD_LOGICAL_CLIENTS_H_
