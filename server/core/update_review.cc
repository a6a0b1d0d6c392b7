#include "server/core/update_review.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/tensor/span_math.h"

namespace fedgap {
namespace {

constexpr std::int64_t kBlockElements = 1 << 16;

// Block by block, so that a staged file is never in memory as a whole.
StatusOr<double> CosineWith(const VectorSource& delta,
                            std::span<const float> last_delta) {
  std::vector<float> block;
  double dot = 0, squares = 0;
  for (std::int64_t begin = 0; begin < delta.elements();
       begin += kBlockElements) {
    block.resize(static_cast<std::size_t>(
        std::min(kBlockElements, delta.elements() - begin)));
    FEDGAP_RETURN_IF_ERROR(delta.Read(begin, block));
    dot += Dot(block, last_delta.subspan(static_cast<std::size_t>(begin),
                                         block.size()));
    squares += SquaredNorm(block);
  }
  const double norms = std::sqrt(squares) * Norm(last_delta);
  return norms > 0 ? dot / norms : 0.0;
}

}  // namespace

StatusOr<UpdateReview> ReviewUpdate(const UpdateInfo& info,
                                    const VectorSource& delta,
                                    const UpdateRules& rules,
                                    std::span<const float> last_delta) {
  UpdateReview review;
  FEDGAP_ASSIGN_OR_RETURN(review.facts, ValidateUpdate(info, delta, rules));
  if (!last_delta.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(review.cosine, CosineWith(delta, last_delta));
  }
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
