// A fedgap-server of its own process, and what it costs.
#ifndef FEDGAP_BENCH_LOAD_SERVER_PROCESS_H_
#define FEDGAP_BENCH_LOAD_SERVER_PROCESS_H_

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/status.h"

namespace fedgap::bench {

class ServerProcess {
 public:
  // Its output goes to `log`. Errors: it cannot be started.
  static StatusOr<std::unique_ptr<ServerProcess>> Start(
      std::vector<std::string> words, const std::filesystem::path& log);
  ~ServerProcess();  // kills it

  // From /proc; 0 once it has ended.
  double ResidentMb() const;
  double PeakResidentMb() const;
  double CpuSeconds() const;
  // Waits for its end. The exit code, 128 and more for a signal.
  int Wait();

 private:
  explicit ServerProcess(pid_t pid) : pid_(pid) {}
  std::string Proc(const char* file) const;

  pid_t pid_;
  bool ended_ = false;
};

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_LOAD_SERVER_PROCESS_H_
