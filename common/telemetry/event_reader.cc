#include "common/telemetry/event_reader.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <variant>

#include "common/base/file_io.h"
#include "common/telemetry/event_segments.h"

namespace fedgap {
namespace {

constexpr std::uint64_t kMaxSegmentBytes = UINT64_C(1) << 34;

}  // namespace

Status ReadEvents(const std::filesystem::path& directory,
                  const std::function<void(const LoggedEvent&)>& take) {
  FEDGAP_ASSIGN_OR_RETURN(const auto segments, ListEventSegments(directory));
  for (const EventSegment& segment : segments) {
    FEDGAP_ASSIGN_OR_RETURN(const std::string text,
                            ReadFileText(segment.path, kMaxSegmentBytes));
    int number = 0;
    for (const std::string_view line : WholeLines(text)) {
      ++number;
      const auto parsed = ParseEventLine(line);
      if (!parsed.ok()) {
        return Annotate(
            parsed.status(),
            fmt::format("{} line {}", segment.path.string(), number));
      }
      if (parsed->known) take(*parsed);
    }
  }
  return absl::OkStatus();
}

StatusOr<Round> LastCommittedRoundInLog(
    const std::filesystem::path& directory) {
  FEDGAP_ASSIGN_OR_RETURN(const auto segments, ListEventSegments(directory));
  for (auto segment = segments.rbegin(); segment != segments.rend();
       ++segment) {
    FEDGAP_ASSIGN_OR_RETURN(const std::string text,
                            ReadFileText(segment->path, kMaxSegmentBytes));
    const auto lines = WholeLines(text);
    for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
      // A cheap look first: quotes inside strings are escaped, so this text
      // stands in commit lines only.
      if (line->find("\"type\":\"round_committed\"") == line->npos) continue;
      const auto parsed = ParseEventLine(*line);
      if (!parsed.ok()) continue;
      return std::get<RoundCommittedEvent>(parsed->event).round;
    }
  }
  return Round{0};
}

}  // namespace fedgap
