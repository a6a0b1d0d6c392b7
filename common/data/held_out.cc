#include "common/data/held_out.h"

#include <algorithm>
#include <span>

#include "common/base/check.h"
#include "common/data/track_groups.h"

namespace fedgap {
namespace {

void Append(const TrackGroup& group, std::vector<std::uint32_t>& to) {
  to.insert(to.end(), group.samples.begin(), group.samples.end());
}

// Whether taking `count` more brings `taken` nearer to `target`.
bool Nearer(double target, double taken, double count) {
  return taken + count / 2 <= target;
}

}  // namespace

HeldOutSplit SplitStratified(const DataSource& data, double fraction,
                             CounterRng rng) {
  FEDGAP_CHECK(fraction >= 0 && fraction < 1);
  std::vector<std::vector<TrackGroup>> classes(data.class_names().size());
  for (TrackGroup& group : GroupByTrack(data)) {
    FEDGAP_CHECK(group.label >= 0);
    const auto label = static_cast<std::size_t>(group.label);
    // Not every source has a name for each of its labels.
    if (label >= classes.size()) classes.resize(label + 1);
    classes[label].push_back(std::move(group));
  }
  HeldOutSplit split;
  double seen = 0;
  double taken = 0;
  for (std::vector<TrackGroup>& groups : classes) {
    rng.Shuffle(std::span(groups));
    for (const TrackGroup& group : groups) {
      seen += static_cast<double>(group.samples.size());
    }
    for (std::size_t g = 0; g < groups.size(); ++g) {
      const auto count = static_cast<double>(groups[g].samples.size());
      const bool last_of_class = g + 1 == groups.size();
      if (!last_of_class && fraction > 0 &&
          Nearer(fraction * seen, taken, count)) {
        Append(groups[g], split.held_out);
        taken += count;
      } else {
        Append(groups[g], split.training);
      }
    }
  }
  std::sort(split.training.begin(), split.training.end());
  std::sort(split.held_out.begin(), split.held_out.end());
  return split;
}

HeldOutSplit SplitHeldOut(const DataSource& data, double fraction,
                          std::uint64_t seed, std::string_view client) {
  return SplitStratified(data, fraction,
                         CounterRng(seed, RngPurpose::kHeldOut, client));
}

}  // namespace fedgap
