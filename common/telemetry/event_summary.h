// An event in a line for a person: what `fedgap logs` and the dashboard show.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_SUMMARY_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_SUMMARY_H_

#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/telemetry/events.h"

namespace fedgap {

// How much an event asks for attention.
enum class EventLevel {
  kDebug,    // what every round brings: tasks out, updates in
  kInfo,     // commits, clients that come and go, start and end
  kWarning,  // refused updates, lost connections, aborted rounds, warnings
};
std::string_view ToString(EventLevel level);
// "debug", "info", "warning"; INVALID_ARGUMENT names them.
StatusOr<EventLevel> EventLevelFromString(std::string_view text);

struct EventSummary {
  EventLevel level = EventLevel::kInfo;
  std::string_view type;  // as in the log: "round_committed"
  Round round = 0;        // 0: of no round
  std::string client;     // "": of no client, or of all
  // Without client, round and type. Names and reasons in it come from outside:
  // escape it for where it goes.
  std::string text;
};

EventSummary Summarize(const Event& event);

// Every value of "type", in the order of docs/EVENTS.md, separated by ", ".
std::string EventTypes();
bool IsEventType(std::string_view type);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_SUMMARY_H_
