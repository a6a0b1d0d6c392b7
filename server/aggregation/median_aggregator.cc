#include "server/aggregation/median_aggregator.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "common/base/mutex.h"

namespace fedgap {
namespace {

// Floats that one thread holds at a time, over all updates.
constexpr std::int64_t kScratchElements = 1 << 20;
constexpr std::int64_t kLargestBlock = 1 << 14;

double MedianOf(std::span<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

}  // namespace

struct MedianAggregator::Scratch {
  Parameters rows;             // [updates, block]
  std::vector<double> column;  // [updates]
};

Status MedianAggregator::Accumulate(
    std::span<const Contribution> contributions) {
  if (count() + std::ssize(contributions) > max_count_) {
    return absl::ResourceExhaustedError(fmt::format(
        "the median holds at most {} updates (aggregation.upload_slots)",
        max_count_));
  }
  for (const Contribution& contribution : contributions) {
    const Status counts = CheckCounts(contribution.info.counts, validation_);
    if (!counts.ok()) {
      return Annotate(counts, "update of " + contribution.client.value);
    }
    if (contribution.delta->elements() != elements_) {
      return absl::InvalidArgumentError(
          fmt::format("update of {}: it has {} elements instead of {}",
                      contribution.client.value, contribution.delta->elements(),
                      elements_));
    }
  }
  for (const Contribution& contribution : contributions) {
    kept_.push_back({{contribution.client, contribution.info.counts},
                     contribution.delta,
                     contribution.scale});
  }
  return absl::OkStatus();
}

Status MedianAggregator::ReportBlock(std::int64_t begin, std::span<float> out,
                                     Scratch& scratch) const {
  scratch.rows.resize(kept_.size() * out.size());
  scratch.column.resize(kept_.size());
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    const std::span<float> row(scratch.rows.data() + i * out.size(),
                               out.size());
    const Status status = kept_[i].delta->Read(begin, row);
    if (!status.ok()) {
      return Annotate(status, "update of " + kept_[i].counts.client.value);
    }
  }
  for (std::size_t j = 0; j < out.size(); ++j) {
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      // + 0.0 makes every zero positive: which of -0 and 0 stands in the
      // middle would depend on the order of arrival.
      scratch.column[i] =
          kept_[i].scale *
              static_cast<double>(scratch.rows[i * out.size() + j]) +
          0.0;
    }
    out[j] = static_cast<float>(MedianOf(scratch.column));
  }
  return absl::OkStatus();
}

StatusOr<Aggregate> MedianAggregator::Report() {
  if (kept_.empty()) {
    return absl::FailedPreconditionError("no update was added");
  }
  Aggregate aggregate;
  aggregate.delta.resize(static_cast<std::size_t>(elements_));
  const std::int64_t block =
      std::clamp<std::int64_t>(kScratchElements / count(), 64, kLargestBlock);
  std::vector<Scratch> scratch(static_cast<std::size_t>(pool_.threads()));
  Mutex mutex;
  Status first_error;
  std::atomic<bool> failed = false;
  const auto blocks = static_cast<int>((elements_ + block - 1) / block);
  pool_.ParallelFor(blocks, [&](int index, int thread) {
    if (failed) return;
    const std::int64_t begin = index * block;
    const auto size =
        static_cast<std::size_t>(std::min(block, elements_ - begin));
    const Status status =
        ReportBlock(begin, {aggregate.delta.data() + begin, size},
                    scratch[static_cast<std::size_t>(thread)]);
    if (status.ok()) return;
    failed = true;
    MutexLock lock(mutex);
    first_error.Update(status);
  });
  FEDGAP_RETURN_IF_ERROR(first_error);

  std::vector<ClientCounts> clients;
  for (const Kept& kept : kept_) clients.push_back(kept.counts);
  Influence influence = InfluenceOf(Weighting::kClient, std::move(clients));
  aggregate.client_influence = std::move(influence.clients);
  aggregate.group_influence = std::move(influence.groups);
  return aggregate;
}

}  // namespace fedgap
