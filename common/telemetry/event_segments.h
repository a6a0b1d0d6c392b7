// The files of an event log: events-000001.jsonl, events-000002.jsonl, ...
// Private to common/telemetry.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_SEGMENTS_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_SEGMENTS_H_

#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "common/base/status.h"

namespace fedgap {

struct EventSegment {
  int number = 0;  // from 1
  std::filesystem::path path;
};

std::filesystem::path EventSegmentPath(const std::filesystem::path& directory,
                                       int number);

// Ascending by number; empty if the directory does not exist. Other files are
// passed over.
StatusOr<std::vector<EventSegment>> ListEventSegments(
    const std::filesystem::path& directory);

// The lines of `text` that end in a line feed, without it. What follows the
// last line feed is half a line and left out.
std::vector<std::string_view> WholeLines(std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_SEGMENTS_H_
