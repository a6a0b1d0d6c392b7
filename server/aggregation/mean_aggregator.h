// The weighted mean of a round's updates, exact and in any order.
#ifndef FEDGAP_SERVER_AGGREGATION_MEAN_AGGREGATOR_H_
#define FEDGAP_SERVER_AGGREGATION_MEAN_AGGREGATOR_H_

#include <memory>
#include <vector>

#include "common/base/thread_pool.h"
#include "server/aggregation/exact_accumulator.h"
#include "server/aggregation/round_aggregator.h"
#include "server/aggregation/weighting.h"

namespace fedgap {

// Adds each update as it comes: memory does not grow with the cohort.
class MeanAggregator final : public RoundAggregator {
 public:
  struct Options {
    Weighting weighting = Weighting::kClient;
    ValidationConfig validation;
    std::int64_t max_count = 1;  // the largest cohort
    std::int64_t elements = 0;
  };

  // `pool` must outlive the aggregator. INVALID_ARGUMENT if no accumulator is
  // exact enough for the options (ScaleFor).
  static StatusOr<std::unique_ptr<MeanAggregator>> Create(
      const Options& options, ThreadPool& pool);

  bool streams() const override { return true; }
  Status Accumulate(std::span<const Contribution> contributions) override;
  Status Reduce(SumReducer& reducer, bool is_root,
                std::span<const ClientCounts> elsewhere) override;
  int count() const override { return static_cast<int>(clients_.size()); }
  StatusOr<Aggregate> Report() override;

 private:
  MeanAggregator(const Options& options, ExactAccumulator accumulator,
                 ThreadPool& pool)
      : options_(options), accumulator_(std::move(accumulator)), pool_(pool) {}

  Options options_;
  ExactAccumulator accumulator_;
  std::vector<ClientCounts> clients_;
  ThreadPool& pool_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_MEAN_AGGREGATOR_H_
