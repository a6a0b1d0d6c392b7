// Events as lines of JSON, and back. docs/EVENTS.md is the format.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_JSON_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_JSON_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/telemetry/events.h"

namespace fedgap {

// The version of the line's form: the value of "schema".
inline constexpr int kEventSchema = 1;

// What a line says beside the event.
struct EventHeader {
  std::uint64_t seq = 0;  // ascending by one over the whole run
  int start = 1;          // which start of the server on this run
  // The attempt of the round being run; 0 outside a round. A round's own
  // events (started, committed, aborted) carry theirs.
  int attempt = 0;
  Clock::WallTime time{};
};

struct LoggedEvent {
  EventHeader header;
  // False for an event type that a newer version wrote: `event` is not set.
  bool known = true;
  Event event;
};

// One line without its line feed: an object in ASCII-safe UTF-8 without line
// feeds inside. Bytes that are not UTF-8 become U+FFFD, NaN and infinities
// null: names and reasons come from outside and must not break a reader.
std::string ToJsonLine(const EventHeader& header, const Event& event);

// Reads a line back. DATA_LOSS for anything that is not a whole line of schema
// 1, naming the field. Unknown fields are ignored; null for a number is NaN.
StatusOr<LoggedEvent> ParseEventLine(std::string_view line);

// "2026-11-22T19:36:51.042Z".
std::string FormatTime(Clock::WallTime time);
StatusOr<Clock::WallTime> ParseTime(std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_JSON_H_
