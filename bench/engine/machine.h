// What a benchmark asks of the machine: time, memory, and its ceilings.
#ifndef FEDGAP_BENCH_ENGINE_MACHINE_H_
#define FEDGAP_BENCH_ENGINE_MACHINE_H_

#include <cstddef>
#include <ctime>

#include "common/nn/kernels/kernels.h"

namespace fedgap::bench {

// Elapsed time or, on a machine shared with other work, this process's CPU
// time over all its threads.
class Stopwatch {
 public:
  explicit Stopwatch(bool cpu_time);
  double seconds() const;

 private:
  clockid_t clock_;
  double start_;
};

// GFLOP/s of fused multiply-adds from registers, one thread, the best of a few
// stretches of about 10 ms.
double MeasurePeakGflops(const kernels::Kernels& kernels, bool cpu_time);

// GB/s of c[i] = a[i] + s b[i] over three arrays of `bytes` in all, 12 bytes
// counted an element (what the line written costs to read first is not); one
// thread, the best of a few stretches.
double MeasureTriadGigabytes(std::size_t bytes, bool cpu_time);

// The largest resident set of this process since its start or the last
// ResetPeakMemory; 0 where /proc does not tell.
double PeakMemoryMegabytes();
void ResetPeakMemory();

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_ENGINE_MACHINE_H_
