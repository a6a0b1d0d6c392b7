#include "cli/run_labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "common/base/file_io.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

// The run's directory, of whatever in it was named; or a file elsewhere.
StatusOr<fs::path> PlaceOf(const fs::path& log) {
  std::error_code error;
  fs::path place = fs::canonical(log, error);
  if (error) return ErrnoStatus(error.value(), "find", log);
  if (place.parent_path().filename() == "events" &&
      !fs::is_directory(place, error)) {
    place = place.parent_path();
  }
  return place.filename() == "events" ? place.parent_path() : place;
}

// The last `parts` parts of an absolute path, joined by '/'.
std::string LastParts(const fs::path& path, std::ptrdiff_t parts) {
  const fs::path relative = path.relative_path();
  const auto all = std::distance(relative.begin(), relative.end());
  auto part = relative.begin();
  std::advance(part, std::max<std::ptrdiff_t>(0, all - parts));
  fs::path last;
  for (; part != relative.end(); ++part) last /= *part;
  return last.empty() ? "." : last.string();
}

}  // namespace

StatusOr<std::vector<std::string>> RunLabels(
    const std::vector<fs::path>& logs) {
  std::vector<fs::path> places;
  for (const fs::path& log : logs) {
    FEDGAP_ASSIGN_OR_RETURN(places.emplace_back(), PlaceOf(log));
    if (std::ranges::count(places, places.back()) > 1) {
      return absl::InvalidArgumentError(
          fmt::format("{}: this run is named twice", log.string()));
    }
  }
  // Different absolute paths differ in some number of their last parts.
  for (std::ptrdiff_t parts = 1;; ++parts) {
    std::vector<std::string> labels;
    std::map<std::string, int> uses;
    for (const fs::path& place : places) {
      labels.push_back(LastParts(place, parts));
      ++uses[labels.back()];
    }
    if (uses.size() == labels.size()) return labels;
  }
}

}  // namespace fedgap
