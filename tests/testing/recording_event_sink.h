// Keeps events for a test to look at.
#ifndef FEDGAP_TESTS_TESTING_RECORDING_EVENT_SINK_H_
#define FEDGAP_TESTS_TESTING_RECORDING_EVENT_SINK_H_

#include <variant>
#include <vector>

#include "common/base/mutex.h"
#include "common/telemetry/events.h"

namespace fedgap {

// Thread-safe.
class RecordingEventSink final : public EventSink {
 public:
  void Emit(const Event& event) override {
    MutexLock lock(mutex_);
    events_.push_back(event);
  }
  void Flush() override {
    MutexLock lock(mutex_);
    ++flushes_;
  }

  std::vector<Event> events() const {
    MutexLock lock(mutex_);
    return events_;
  }
  int flushes() const {
    MutexLock lock(mutex_);
    return flushes_;
  }
  // The events of one kind, in order.
  template <typename E>
  std::vector<E> Of() const {
    MutexLock lock(mutex_);
    std::vector<E> found;
    for (const Event& event : events_) {
      if (const E* e = std::get_if<E>(&event)) found.push_back(*e);
    }
    return found;
  }

 private:
  mutable Mutex mutex_;
  std::vector<Event> events_ GUARDED_BY(mutex_);
  int flushes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_TESTS_TESTING_RECORDING_EVENT_SINK_H_
