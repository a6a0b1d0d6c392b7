#include "common/base/available_cpus.h"

#include <sched.h>

#include <algorithm>
#include <thread>

namespace fedgap {

int AvailableCpus() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  // Fails on a machine of more CPUs than the set can name.
  if (::sched_getaffinity(0, sizeof(allowed), &allowed) == 0) {
    return std::max(1, CPU_COUNT(&allowed));
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

int ThreadsFor(int wanted) { return wanted > 0 ? wanted : AvailableCpus(); }

}  // namespace fedgap
