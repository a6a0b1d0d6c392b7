// A run as Prometheus sees it.
#ifndef FEDGAP_SERVER_METRICS_RUN_METRICS_H_
#define FEDGAP_SERVER_METRICS_RUN_METRICS_H_

#include <memory>
#include <string>

#include "common/base/clock.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "common/telemetry/event_json.h"
#include "common/telemetry/events.h"

namespace fedgap {

class RunSeries;

// Observes events and yields metrics of what it has seen, and of this process,
// at any time; docs/DASHBOARD.md has the table. After a restart, feed it the
// log first (Recall), so that the sums are those of the whole run. Thread-safe.
class RunMetrics final : public EventSink {
 public:
  // `clock` says when a commit was; it must outlive this.
  explicit RunMetrics(const Clock& clock);
  ~RunMetrics() override;

  void Recall(const LoggedEvent& logged) EXCLUDES(mutex_);
  void Emit(const Event& event) override EXCLUDES(mutex_);
  void Flush() override {}

  // A call was refused at its begin, with this status.
  void CountRefusedCall(const Status& why) EXCLUDES(mutex_);

  // In Prometheus' text format 0.0.4, sorted by name and labels. What the
  // system does not tell of the process is left out.
  std::string Text() const EXCLUDES(mutex_);

 private:
  const Clock& clock_;
  mutable Mutex mutex_;
  const std::unique_ptr<RunSeries> series_ PT_GUARDED_BY(mutex_);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_METRICS_RUN_METRICS_H_
