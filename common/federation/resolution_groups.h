// The buckets in which resolutions are counted.
#ifndef FEDGAP_COMMON_FEDERATION_RESOLUTION_GROUPS_H_
#define FEDGAP_COMMON_FEDERATION_RESOLUTION_GROUPS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// Buckets of sqrt(H W) in pixels, cut at ascending edges: n edges make n + 1
// groups; group g holds edges[g - 1] <= sqrt(H W) < edges[g]. Compared as
// H W < edge^2 in integers, so every machine agrees. Immutable.
class ResolutionGroups {
 public:
  static constexpr int kMaxGroups = 64;

  // One group that holds every size.
  ResolutionGroups() = default;

  // INVALID_ARGUMENT if the edges are not positive and ascending or there are
  // 64 or more.
  static StatusOr<ResolutionGroups> Create(std::vector<int> edges);

  int count() const { return static_cast<int>(edges_.size()) + 1; }
  const std::vector<int>& edges() const { return edges_; }
  int GroupOf(ImageSize size) const;
  // "<16", "16-24", ">=34"; "all" for the only group.
  std::string Label(int group) const;

  bool operator==(const ResolutionGroups&) const = default;

 private:
  std::vector<int> edges_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_RESOLUTION_GROUPS_H_
