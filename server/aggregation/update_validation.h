// Whether an update may count at all.
#ifndef FEDGAP_SERVER_AGGREGATION_UPDATE_VALIDATION_H_
#define FEDGAP_SERVER_AGGREGATION_UPDATE_VALIDATION_H_

#include <span>

#include "common/base/status.h"
#include "common/federation/run_config.h"
#include "common/federation/update.h"
#include "common/tensor/layout.h"
#include "server/aggregation/contribution.h"

namespace fedgap {

// What updates of a run must agree with. Borrows.
struct UpdateRules {
  const ValidationConfig& validation;
  const LocalEvaluation& evaluation;
  const Layout& layout;
  int classes = 0;
  int channels = 0;  // of a pooled vector
};

// What the one pass over an update found.
struct UpdateFacts {
  double norm = 0;     // Euclidean, of delta as sent
  double max_abs = 0;  // of delta as sent
  double dot = 0;      // of delta as sent, with the direction
  // What delta is to be multiplied by: 1, or less where it was clipped.
  double scale = 1.0;
  bool clipped() const { return scale < 1.0; }
};

// The info of a train task. INVALID_ARGUMENT, naming the field, for counts,
// steps, metrics or pooled statistics that cannot be true of any client: zero,
// negative or absurd counts, groups out of order or range, wrong lengths,
// values that are not finite, more correct answers than samples, metrics over
// more samples than the counts or validation.max_samples have. Pure.
Status ValidateInfo(const UpdateInfo& info, const UpdateRules& rules);

// The info of an evaluate task: its metrics; it counts and pools nothing.
Status ValidateEvaluation(const UpdateInfo& info, const UpdateRules& rules);

// The info of a train task and its delta, in a single pass over delta block by
// block, which also multiplies it with `direction` (empty: none, else of the
// federated range's length). INVALID_ARGUMENT also for a wrong length, NaN or
// infinity (naming the tensor and element), and, under OnExcess::kReject, an
// element or a norm beyond its bound; under kClip, delta is scaled to the
// tighter bound instead. Errors of VectorSource::Read. The same bits on every
// machine. Thread-safe.
StatusOr<UpdateFacts> ValidateUpdate(const UpdateInfo& info,
                                     const VectorSource& delta,
                                     const UpdateRules& rules,
                                     std::span<const float> direction = {});

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_UPDATE_VALIDATION_H_
