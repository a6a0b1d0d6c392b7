// The event log of a run: every event as a line of JSON, in numbered segments.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_LOG_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_LOG_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/telemetry/events.h"

namespace fedgap {

// Emit makes the line and hands it to a writer thread (spdlog's asynchronous
// logger, one thread, order kept); it waits only when `queue_events` lines are
// waiting already, so memory stays bounded on a slow disk and no event is
// dropped. Thread-safe. A segment is never changed once the next one has
// begun, and never deleted here.
class EventLog final : public EventSink {
 public:
  struct Options {
    // A new segment begins when a line would make the last one longer.
    std::int64_t segment_bytes = std::int64_t{64} << 20;
    int queue_events = 1024;
    // Told the first failure to write or fsync, when it happens, on the
    // writer's thread; must not emit.
    std::function<void(const Status&)> on_failure = nullptr;
  };

  // Opens or continues the log in `directory` (made if it does not exist).
  // `clock` must outlive the log. After a crash the last segment may end in
  // half a line: that is cut off, and a warning event says so; `seq` goes on
  // from the last whole line. One process at a time: the run's lock
  // (server/store) sees to that. Codes: PERMISSION_DENIED, RESOURCE_EXHAUSTED,
  // UNAVAILABLE, naming the path.
  static StatusOr<std::unique_ptr<EventLog>> Open(
      const std::filesystem::path& directory, const Clock& clock,
      const Options& options);
  static StatusOr<std::unique_ptr<EventLog>> Open(
      const std::filesystem::path& directory, const Clock& clock) {
    return Open(directory, clock, Options());
  }
  // Writes what is waiting, fsyncs and closes.
  ~EventLog() override;
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void Emit(const Event& event) override;
  // Waits until the writer thread has written and fsynced everything emitted
  // before. A failure shows in status().
  void Flush() override;

  // The first failure to write or fsync (RESOURCE_EXHAUSTED: disk full). Lines
  // that could not be written whole are left out; later ones are tried again.
  Status status() const;
  // Which start on this run this is: 1, 2 after the first restart, ...
  int start() const;

 private:
  class Impl;
  explicit EventLog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_LOG_H_
