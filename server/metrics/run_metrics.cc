#include "server/metrics/run_metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <vector>

#include "server/metrics/process_usage.h"
#include "server/metrics/run_series.h"

namespace fedgap {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily ProcessGauge(const char* name, const char* help, double value) {
  ClientMetric metric;
  metric.gauge.value = value;
  return {name, help, MetricType::Gauge, {metric}};
}
MetricFamily ProcessCounter(const char* name, const char* help, double value) {
  ClientMetric metric;
  metric.counter.value = value;
  return {name, help, MetricType::Counter, {metric}};
}

// The names are those that Prometheus' own client libraries use.
void AddProcess(std::vector<MetricFamily>& families) {
  const StatusOr<ProcessUsage> usage = ReadProcessUsage();
  if (!usage.ok()) return;
  families.push_back(ProcessGauge("process_resident_memory_bytes",
                                  "Memory that the process holds",
                                  static_cast<double>(usage->resident_bytes)));
  families.push_back(ProcessGauge("process_virtual_memory_bytes",
                                  "Addresses that the process holds",
                                  static_cast<double>(usage->virtual_bytes)));
  families.push_back(ProcessCounter("process_cpu_seconds_total",
                                    "User and system time of the process",
                                    usage->cpu_seconds));
  families.push_back(ProcessGauge("process_open_fds",
                                  "Open file descriptors of the process",
                                  static_cast<double>(usage->open_fds)));
  families.push_back(ProcessGauge(
      "process_max_fds", "File descriptors that it may open", usage->max_fds));
  families.push_back(ProcessGauge("process_start_time_seconds",
                                  "When the process began, since 1970",
                                  usage->start_seconds));
}

// The library keeps both in hash tables.
void Sort(std::vector<MetricFamily>& families) {
  std::ranges::sort(families, {}, &MetricFamily::name);
  for (MetricFamily& family : families) {
    std::ranges::sort(family.metric,
                      [](const ClientMetric& a, const ClientMetric& b) {
                        return a.label < b.label;
                      });
  }
}

}  // namespace

RunMetrics::RunMetrics(const Clock& clock)
    : clock_(clock), series_(std::make_unique<RunSeries>()) {}

RunMetrics::~RunMetrics() = default;

void RunMetrics::Recall(const LoggedEvent& logged) {
  MutexLock lock(mutex_);
  series_->Take(logged.event, logged.header.time);
}

void RunMetrics::Emit(const Event& event) {
  const Clock::WallTime now = clock_.WallNow();
  MutexLock lock(mutex_);
  series_->Take(event, now);
}

void RunMetrics::CountRefusedCall(const Status& why) {
  MutexLock lock(mutex_);
  series_->CountRefusedCall(absl::StatusCodeToString(why.code()));
}

std::string RunMetrics::Text() const {
  std::vector<MetricFamily> families;
  {
    MutexLock lock(mutex_);
    families = series_->Collect();
  }
  AddProcess(families);
  Sort(families);
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace fedgap
