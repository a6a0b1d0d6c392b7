#include "bench/engine/machine.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "common/tensor/parameters.h"

namespace fedgap::bench {
namespace {

constexpr int kStretches = 5;

double SecondsOf(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) +
         1e-9 * static_cast<double>(time.tv_nsec);
}

// Not inlined, so that no repetition of it is hoisted.
[[gnu::noinline]] void Triad(std::size_t count, float scale, const float* a,
                             const float* b, float* c) {
  for (std::size_t i = 0; i < count; ++i) c[i] = a[i] + scale * b[i];
}

}  // namespace

Stopwatch::Stopwatch(bool cpu_time)
    : clock_(cpu_time ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC),
      start_(SecondsOf(clock_)) {}

double Stopwatch::seconds() const { return SecondsOf(clock_) - start_; }

double MeasurePeakGflops(const kernels::Kernels& kernels, bool cpu_time) {
  constexpr std::int64_t kSteps = 2'000'000;
  double best = 0;
  for (int stretch = 0; stretch < kStretches; ++stretch) {
    const Stopwatch watch(cpu_time);
    float sink = 0;
    const auto flops = static_cast<double>(kernels.peak(kSteps, &sink));
    best = std::max(best, flops * 1e-9 / watch.seconds());
  }
  return best;
}

double MeasureTriadGigabytes(std::size_t bytes, bool cpu_time) {
  constexpr double kStretchBytes = 4e8;
  const std::size_t count = bytes / (3 * sizeof(float));
  const Parameters a(count, 1.0f);
  const Parameters b(count, 2.0f);
  Parameters c(count);
  const double pass = static_cast<double>(3 * sizeof(float) * count);
  const int passes = std::max(1, static_cast<int>(kStretchBytes / pass));
  double best = 0;
  for (int stretch = 0; stretch < kStretches; ++stretch) {
    const Stopwatch watch(cpu_time);
    for (int i = 0; i < passes; ++i) {
      Triad(count, 0.5f, a.data(), b.data(), c.data());
    }
    best = std::max(best, pass * passes * 1e-9 / watch.seconds());
  }
  return best;
}

double PeakMemoryMegabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes / 1024;
  }
  return 0;
}

void ResetPeakMemory() { std::ofstream("/proc/self/clear_refs") << "5"; }

}  // namespace fedgap::bench
