// Lines of an event log to events, a million of them in a second or so.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_LINE_PARSER_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_LINE_PARSER_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "common/base/status.h"
#include "common/telemetry/event_json.h"

namespace fedgap {

// Keeps its buffers from line to line. One thread at a time.
class EventLineParser {
 public:
  // Bytes behind a line that must be readable for ParsePadded.
  static constexpr std::size_t kPadding = 64;

  EventLineParser();
  ~EventLineParser();
  EventLineParser(EventLineParser&&) noexcept;
  EventLineParser& operator=(EventLineParser&&) noexcept;

  // DATA_LOSS for anything that is not a whole line of schema 1, naming the
  // field; `out` then holds anything. Unknown fields are ignored; null for a
  // number is NaN. An event of the same type in `out` lends its memory.
  Status Parse(std::string_view line, LoggedEvent& out);
  // The same without a copy. kPadding bytes behind the line can be read; what
  // they hold does not matter.
  Status ParsePadded(std::string_view line, LoggedEvent& out);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_LINE_PARSER_H_
