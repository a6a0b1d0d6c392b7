// The lines of an event log as ToJsonLine writes them, read without a JSON
// parser: several times as fast, but nothing else. Private to common/telemetry.
#ifndef FEDGAP_COMMON_TELEMETRY_WRITTEN_LINE_READER_H_
#define FEDGAP_COMMON_TELEMETRY_WRITTEN_LINE_READER_H_

#include <string_view>

#include "common/telemetry/event_json.h"

namespace fedgap {

// Reads a line that has every field of its event, in ToJsonLine's order, and no
// other, without blanks and with strings of printable ASCII that need no
// escapes. What memory `out` has is used again.
//
// False for every other line, and for numbers of more than 18 digits before the
// point: it may still be a good one, and it is for EventLineParser to say.
// `out` then holds anything. The lines that are read are a part of those that
// EventLineParser reads by JSON's rules, with the same values.
bool ReadWrittenLine(std::string_view line, LoggedEvent& out);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_WRITTEN_LINE_READER_H_
