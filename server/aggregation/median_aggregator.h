// The coordinate-wise median of a round's updates (Yin et al.,
// "Byzantine-Robust Distributed Learning", 2018, definition 1).
#ifndef FEDGAP_SERVER_AGGREGATION_MEDIAN_AGGREGATOR_H_
#define FEDGAP_SERVER_AGGREGATION_MEDIAN_AGGREGATOR_H_

#include <memory>
#include <vector>

#include "common/base/thread_pool.h"
#include "common/federation/run_config.h"
#include "server/aggregation/round_aggregator.h"
#include "server/aggregation/weighting.h"

namespace fedgap {

// Unweighted; of an even number of updates the mean of the two middle ones, in
// double. Keeps the updates (not their bytes, where they are staged in files)
// until Report, which reads them block by block: memory is a few MB a thread
// for any cohort and model.
class MedianAggregator final : public RoundAggregator {
 public:
  // `pool` must outlive the aggregator; `max_count` updates at most.
  MedianAggregator(std::int64_t elements, std::int64_t max_count,
                   const ValidationConfig& validation, ThreadPool& pool)
      : elements_(elements),
        max_count_(max_count),
        validation_(validation),
        pool_(pool) {}

  bool streams() const override { return false; }
  Status Accumulate(std::span<const Contribution> contributions) override;
  Status Reduce(SumReducer&, bool, std::span<const ClientCounts>) override {
    return absl::FailedPreconditionError(
        "a median has no partial sums: it needs the updates themselves");
  }
  int count() const override { return static_cast<int>(kept_.size()); }
  // Also the errors of VectorSource::Read.
  StatusOr<Aggregate> Report() override;

 private:
  struct Scratch;
  // What Report needs of a contribution.
  struct Kept {
    ClientCounts counts;  // with the client's name
    std::shared_ptr<const VectorSource> delta;
    double scale = 1.0;
  };
  Status ReportBlock(std::int64_t begin, std::span<float> out,
                     Scratch& scratch) const;

  std::int64_t elements_;
  std::int64_t max_count_;
  ValidationConfig validation_;
  ThreadPool& pool_;
  std::vector<Kept> kept_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_MEDIAN_AGGREGATOR_H_
