// One event to several sinks.
#ifndef FEDGAP_COMMON_TELEMETRY_TEE_EVENT_SINK_H_
#define FEDGAP_COMMON_TELEMETRY_TEE_EVENT_SINK_H_

#include <utility>
#include <vector>

#include "common/telemetry/events.h"

namespace fedgap {

// Thread-safe as its sinks are, but two threads' events may reach two sinks in
// different order. The sinks must outlive it.
class TeeEventSink final : public EventSink {
 public:
  explicit TeeEventSink(std::vector<EventSink*> sinks)
      : sinks_(std::move(sinks)) {}

  void Emit(const Event& event) override {
    for (EventSink* sink : sinks_) sink->Emit(event);
  }
  void Flush() override {
    for (EventSink* sink : sinks_) sink->Flush();
  }

 private:
  const std::vector<EventSink*> sinks_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_TEE_EVENT_SINK_H_
