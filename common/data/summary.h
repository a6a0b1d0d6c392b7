// What a data source holds, at a glance.
#ifndef FEDGAP_COMMON_DATA_SUMMARY_H_
#define FEDGAP_COMMON_DATA_SUMMARY_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/data/data_source.h"

namespace fedgap {

struct DataSummary {
  std::int64_t samples = 0;
  int channels = 0;
  std::vector<std::string> class_names;
  std::vector<std::int64_t> class_counts;  // one a class

  // By number of pixels; of two alike the lower one is taken.
  ImageSize smallest;
  ImageSize median;
  ImageSize largest;
  // Of any image, each axis on its own.
  int min_side = 0;
  int max_side = 0;
  std::int64_t distinct_sizes = 0;
  std::int64_t not_square = 0;
  std::int64_t pixels = 0;
  std::int64_t tracks = 0;  // 0 if samples stand alone

  // Resolution buckets: bucket b counts images with edges[b - 1] <= sqrt(H W) <
  // edges[b], as common/federation's ResolutionGroups cuts them.
  std::vector<int> edges;
  std::vector<std::int64_t> bucket_counts;  // edges.size() + 1
};

// `edges` in pixels, positive and ascending; may be empty. An empty source has
// zeros.
DataSummary Summarize(const DataSource& data, std::span<const int> edges);

// Several lines for a person, each ended by a line feed.
std::string ToString(const DataSummary& summary);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_SUMMARY_H_
