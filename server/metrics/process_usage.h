// What this process takes of the machine.
#ifndef FEDGAP_SERVER_METRICS_PROCESS_USAGE_H_
#define FEDGAP_SERVER_METRICS_PROCESS_USAGE_H_

#include <cstdint>

#include "common/base/status.h"

namespace fedgap {

struct ProcessUsage {
  std::int64_t resident_bytes = 0;
  std::int64_t virtual_bytes = 0;
  double cpu_seconds = 0;  // user and system, of all threads
  std::int64_t open_fds = 0;
  double max_fds = 0;        // the soft limit; infinite without one
  double start_seconds = 0;  // since 1970
};

// From /proc/self. UNAVAILABLE or NOT_FOUND where that cannot be read,
// DATA_LOSS where it is not as Linux writes it. Thread-safe.
StatusOr<ProcessUsage> ReadProcessUsage();

}  // namespace fedgap

#endif  // FEDGAP_SERVER_METRICS_PROCESS_USAGE_H_
