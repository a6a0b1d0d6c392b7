// What a client sends back for a task.
#ifndef FEDGAP_COMMON_FEDERATION_UPDATE_H_
#define FEDGAP_COMMON_FEDERATION_UPDATE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/federation/ids.h"
#include "common/federation/metrics.h"
#include "common/federation/pooled_statistics.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// The samples of one resolution group that a client trains on.
struct GroupCounts {
  int group = 0;
  std::int64_t samples = 0;
  std::int64_t pixels = 0;  // sum of H W over those samples
  bool operator==(const GroupCounts&) const = default;
};

// Everything about an update but its large vector. Small (a few kB).
struct UpdateInfo {
  TaskId task;
  Round round = 0;
  ModelId base;
  // Ascending by group, only groups with samples.
  std::vector<GroupCounts> counts;
  std::int64_t local_steps = 0;
  double train_seconds = 0;
  // The received model on the local training part and on the held-out part,
  // ascending by group.
  std::vector<GroupMetrics> train_metrics;
  std::vector<GroupMetrics> held_out_metrics;
  // Mean training loss over the local steps, as sums.
  BatchMetrics training;
  PooledStatistics pooled;

  // Sums over the groups; held at the largest int64 instead of overflowing.
  std::int64_t samples() const;
  std::int64_t pixels() const;
  bool operator==(const UpdateInfo&) const = default;
};

// An update in memory. `delta` = trained - received, over the layout's
// federated range; empty for an evaluate task.
struct Update {
  UpdateInfo info;
  Parameters delta;
  bool operator==(const Update&) const = default;
};

// What tells two updates of one task apart: the XXH3-128 checksum of delta's
// little-endian bytes, in hex. Not a proof against forgery: the ledger finds
// copies with it, the transport is what is trusted.
std::string DeltaDigest(std::span<const float> delta);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_UPDATE_H_
