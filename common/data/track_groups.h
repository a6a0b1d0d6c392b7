// The samples that stay together.
#ifndef FEDGAP_COMMON_DATA_TRACK_GROUPS_H_
#define FEDGAP_COMMON_DATA_TRACK_GROUPS_H_

#include <cstdint>
#include <vector>

#include "common/data/data_source.h"

namespace fedgap {

// One track's samples, or one sample that stands alone.
struct TrackGroup {
  std::int32_t label = 0;  // of its first sample
  std::vector<std::uint32_t> samples;
};

// Every sample of `data` is in exactly one group; groups in order of their
// first sample.
std::vector<TrackGroup> GroupByTrack(const DataSource& data);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_TRACK_GROUPS_H_
