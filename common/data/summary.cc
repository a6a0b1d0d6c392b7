#include "common/data/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace fedgap {
namespace {

std::size_t BucketOf(ImageSize size, std::span<const int> edges) {
  const auto below = [&](int edge) {
    return size.pixels() < std::int64_t{edge} * edge;
  };
  return static_cast<std::size_t>(
      std::find_if(edges.begin(), edges.end(), below) - edges.begin());
}

std::string BucketName(std::span<const int> edges, std::size_t bucket) {
  if (edges.empty()) return "all";
  if (bucket == 0) return fmt::format("<{}", edges[0]);
  if (bucket == edges.size()) return fmt::format(">={}", edges[bucket - 1]);
  return fmt::format("{}-{}", edges[bucket - 1], edges[bucket]);
}

void SummarizeSizes(std::vector<ImageSize> sizes, DataSummary& summary) {
  std::sort(sizes.begin(), sizes.end(), [](ImageSize a, ImageSize b) {
    return std::pair(a.pixels(), a) < std::pair(b.pixels(), b);
  });
  summary.smallest = sizes.front();
  summary.median = sizes[(sizes.size() - 1) / 2];
  summary.largest = sizes.back();
  summary.min_side = std::min(sizes.front().height, sizes.front().width);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const auto [low, high] = std::minmax({sizes[i].height, sizes[i].width});
    summary.min_side = std::min(summary.min_side, low);
    summary.max_side = std::max(summary.max_side, high);
    summary.pixels += sizes[i].pixels();
    if (low != high) ++summary.not_square;
    if (i == 0 || sizes[i] != sizes[i - 1]) ++summary.distinct_sizes;
  }
}

}  // namespace

DataSummary Summarize(const DataSource& data, std::span<const int> edges) {
  DataSummary summary;
  summary.samples = data.size();
  summary.channels = data.channels();
  summary.class_names = data.class_names();
  summary.class_counts.resize(summary.class_names.size());
  summary.edges.assign(edges.begin(), edges.end());
  summary.bucket_counts.resize(edges.size() + 1);
  std::vector<ImageSize> sizes;
  std::set<std::int32_t> tracks;
  for (std::int64_t i = 0; i < data.size(); ++i) {
    ++summary.class_counts[static_cast<std::size_t>(data.label(i))];
    sizes.push_back(data.image_size(i));
    ++summary.bucket_counts[BucketOf(sizes.back(), edges)];
    if (data.track(i) != DataSource::kNoTrack) tracks.insert(data.track(i));
  }
  summary.tracks = static_cast<std::int64_t>(tracks.size());
  if (!sizes.empty()) SummarizeSizes(std::move(sizes), summary);
  return summary;
}

std::string ToString(const DataSummary& summary) {
  std::string text = fmt::format(
      "samples   {} ({}, {} classes{})\n", summary.samples,
      summary.channels == 1 ? "grey" : "RGB", summary.class_names.size(),
      summary.tracks > 0 ? fmt::format(", {} tracks", summary.tracks) : "");
  text += fmt::format(
      "sizes     {} distinct, {} to {}, median {}; sides {} to {} px; {} not "
      "square\n",
      summary.distinct_sizes, summary.smallest.ToString(),
      summary.largest.ToString(), summary.median.ToString(), summary.min_side,
      summary.max_side, summary.not_square);
  for (std::size_t b = 0; b < summary.bucket_counts.size(); ++b) {
    text += fmt::format("  {:<12} {}\n", BucketName(summary.edges, b),
                        summary.bucket_counts[b]);
  }
  text += "classes\n";
  for (std::size_t c = 0; c < summary.class_names.size(); ++c) {
    text += fmt::format("  {:<24} {}\n", summary.class_names[c],
                        summary.class_counts[c]);
  }
  return text;
}

}  // namespace fedgap
