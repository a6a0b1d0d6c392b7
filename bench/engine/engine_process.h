// An engine that runs as a child process (training_engine.h).
#ifndef FEDGAP_BENCH_ENGINE_ENGINE_PROCESS_H_
#define FEDGAP_BENCH_ENGINE_ENGINE_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fedgap::bench {

// Ends the child when it goes. Not thread-safe.
class EngineProcess {
 public:
  // Starts `command`, an absolute path and its arguments, with one thread for
  // every library that reads its number of threads from the environment.
  // NOT_FOUND if there is no such program, UNAVAILABLE if it cannot be started.
  static StatusOr<std::unique_ptr<EngineProcess>> Start(
      const std::vector<std::string>& command);
  ~EngineProcess();
  EngineProcess(const EngineProcess&) = delete;
  EngineProcess& operator=(const EngineProcess&) = delete;

  // Sends one request and waits for its reply. UNKNOWN with the engine's own
  // words if it answers "error", UNAVAILABLE if it has ended,
  // DEADLINE_EXCEEDED after five minutes.
  StatusOr<nlohmann::json> Ask(const nlohmann::json& request);

 private:
  EngineProcess(pid_t pid, int to_child, int from_child)
      : pid_(pid), to_child_(to_child), from_child_(from_child) {}
  StatusOr<std::string> ReadLine();

  pid_t pid_;
  int to_child_;
  int from_child_;
  std::string read_;
};

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_ENGINE_ENGINE_PROCESS_H_
