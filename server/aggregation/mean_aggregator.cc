#include "server/aggregation/mean_aggregator.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

namespace fedgap {

StatusOr<std::unique_ptr<MeanAggregator>> MeanAggregator::Create(
    const Options& options, ThreadPool& pool) {
  const AccumulatorLimits limits = {
      .max_count = options.max_count,
      .max_weight = MaxWeight(options.weighting, options.validation),
      .max_abs_value = options.validation.max_abs_delta};
  FEDGAP_ASSIGN_OR_RETURN(
      ExactAccumulator accumulator,
      ExactAccumulator::Create(options.elements, BinCount(options.weighting),
                               limits));
  return std::unique_ptr<MeanAggregator>(
      new MeanAggregator(options, std::move(accumulator), pool));
}

Status MeanAggregator::Accumulate(std::span<const Contribution> contributions) {
  std::vector<ExactAccumulator::Term> terms;
  for (const Contribution& contribution : contributions) {
    auto weights = WeightsOf(options_.weighting, contribution.info.counts,
                             options_.validation);
    if (!weights.ok()) {
      return Annotate(weights.status(),
                      "update of " + contribution.client.value);
    }
    terms.push_back({.source = contribution.delta.get(),
                     .scale = contribution.scale,
                     .weights = *std::move(weights)});
  }
  FEDGAP_RETURN_IF_ERROR(accumulator_.Add(terms, pool_));
  for (const Contribution& contribution : contributions) {
    clients_.push_back({contribution.client, contribution.info.counts});
  }
  return absl::OkStatus();
}

Status MeanAggregator::Reduce(SumReducer& reducer, bool is_root,
                              std::span<const ClientCounts> elsewhere) {
  FEDGAP_RETURN_IF_ERROR(accumulator_.Reduce(reducer, is_root));
  clients_.insert(clients_.end(), elsewhere.begin(), elsewhere.end());
  if (is_root && std::ssize(clients_) != accumulator_.count()) {
    return absl::InternalError(
        fmt::format("the sums hold {} updates, the processes speak of {}",
                    accumulator_.count(), clients_.size()));
  }
  return absl::OkStatus();
}

StatusOr<Aggregate> MeanAggregator::Report() {
  Aggregate aggregate;
  FEDGAP_ASSIGN_OR_RETURN(aggregate.delta, accumulator_.ReportLast(pool_));
  Influence influence = InfluenceOf(options_.weighting, clients_);
  aggregate.client_influence = std::move(influence.clients);
  aggregate.group_influence = std::move(influence.groups);
  return aggregate;
}

}  // namespace fedgap
