#include "common/telemetry/event_segments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "common/base/file_io.h"

namespace fedgap {
namespace {

constexpr std::string_view kPrefix = "events-";
constexpr std::string_view kSuffix = ".jsonl";

// 0 if `name` is not a segment's.
int NumberOf(std::string_view name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return 0;
  name.remove_prefix(kPrefix.size());
  name.remove_suffix(kSuffix.size());
  int number = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc() && end == name.data() + name.size();
  return whole && number > 0 ? number : 0;
}

}  // namespace

std::filesystem::path EventSegmentPath(const std::filesystem::path& directory,
                                       int number) {
  return directory / fmt::format("{}{:06}{}", kPrefix, number, kSuffix);
}

StatusOr<std::vector<EventSegment>> ListEventSegments(
    const std::filesystem::path& directory) {
  std::vector<EventSegment> segments;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  if (error == std::errc::no_such_file_or_directory) return segments;
  for (; !error && entry != std::filesystem::directory_iterator();
       entry.increment(error)) {
    const int number = NumberOf(entry->path().filename().string());
    if (number > 0) segments.push_back({number, entry->path()});
  }
  if (error) return ErrnoStatus(error.value(), "list", directory);
  std::ranges::sort(segments, {}, &EventSegment::number);
  return segments;
}

std::vector<std::string_view> WholeLines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (auto end = text.find('\n'); end != text.npos; end = text.find('\n')) {
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace fedgap
