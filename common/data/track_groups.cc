#include "common/data/track_groups.h"

#include <unordered_map>

namespace fedgap {

std::vector<TrackGroup> GroupByTrack(const DataSource& data) {
  std::vector<TrackGroup> groups;
  std::unordered_map<std::int32_t, std::size_t> group_of_track;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const std::int32_t track = data.track(i);
    std::size_t group = groups.size();
    if (track != DataSource::kNoTrack) {
      group = group_of_track.try_emplace(track, group).first->second;
    }
    if (group == groups.size()) groups.push_back({data.label(i), {}});
    groups[group].samples.push_back(static_cast<std::uint32_t>(i));
  }
  return groups;
}

}  // namespace fedgap
