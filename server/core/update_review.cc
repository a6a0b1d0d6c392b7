#include "server/core/update_review.h"

#include <utility>

#include "common/tensor/span_math.h"

namespace fedgap {
GlobalDelta::GlobalDelta(Parameters change)
    : values(std::move(change)), norm(Norm(values)) {}

StatusOr<UpdateReview> ReviewUpdate(const UpdateInfo& info,
                                    const VectorSource& delta,
                                    const UpdateRules& rules,
                                    const GlobalDelta& last_delta) {
  UpdateReview review;
  FEDGAP_ASSIGN_OR_RETURN(
      review.facts, ValidateUpdate(info, delta, rules, last_delta.values));
  const double norms = review.facts.norm * last_delta.norm;
  if (norms > 0) review.cosine = review.facts.dot / norms;
  return review;
}

UpdateAcceptedEvent DescribeUpdate(const ClientName& client,
                                   const UpdateInfo& info,
                                   const UpdateReview& review,
                                   double arrived_seconds, std::int64_t bytes) {
  UpdateAcceptedEvent event;
  event.round = info.round;
  event.client = client;
  event.counts = info.counts;
  event.local_steps = info.local_steps;
  event.train_seconds = info.train_seconds;
  event.arrived_seconds = arrived_seconds;
  event.bytes = bytes;
  event.norm = review.facts.norm;
  event.max_abs = review.facts.max_abs;
  event.cosine = review.cosine;
  event.clipped = review.facts.clipped();
  event.training = info.training;
  event.train_metrics = info.train_metrics;
  event.held_out_metrics = info.held_out_metrics;
  return event;
}

}  // namespace fedgap
