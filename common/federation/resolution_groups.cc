#include "common/federation/resolution_groups.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/check.h"

namespace fedgap {

StatusOr<ResolutionGroups> ResolutionGroups::Create(std::vector<int> edges) {
  if (edges.size() >= kMaxGroups) {
    return absl::InvalidArgumentError(
        fmt::format("{} resolution edges make {} groups; at most {} are held",
                    edges.size(), edges.size() + 1, kMaxGroups));
  }
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (edges[i] < 1) {
      return absl::InvalidArgumentError(fmt::format(
          "resolution edge {} is not positive; edges are pixels", edges[i]));
    }
    if (i > 0 && edges[i] <= edges[i - 1]) {
      return absl::InvalidArgumentError(
          fmt::format("resolution edges must ascend: {} stands after {}",
                      edges[i], edges[i - 1]));
    }
  }
  ResolutionGroups groups;
  groups.edges_ = std::move(edges);
  return groups;
}

int ResolutionGroups::GroupOf(ImageSize size) const {
  const std::int64_t pixels = size.pixels();
  const auto above = std::ranges::find_if(
      edges_, [pixels](std::int64_t edge) { return pixels < edge * edge; });
  return static_cast<int>(above - edges_.begin());
}

std::string ResolutionGroups::Label(int group) const {
  FEDGAP_CHECK(group >= 0 && group < count());
  if (edges_.empty()) return "all";
  const auto index = static_cast<std::size_t>(group);
  if (group == 0) return fmt::format("<{}", edges_.front());
  if (index == edges_.size()) return fmt::format(">={}", edges_.back());
  return fmt::format("{}-{}", edges_[index - 1], edges_[index]);
}

}  // namespace fedgap
