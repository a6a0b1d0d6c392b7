// A look at an update before it may count.
#ifndef FEDGAP_SERVER_CORE_UPDATE_REVIEW_H_
#define FEDGAP_SERVER_CORE_UPDATE_REVIEW_H_

#include <cstdint>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/update.h"
#include "common/telemetry/events.h"
#include "common/tensor/parameters.h"
#include "server/aggregation/contribution.h"
#include "server/aggregation/update_validation.h"

namespace fedgap {

// What the passes over an update's delta found.
struct UpdateReview {
  UpdateFacts facts;
  // With the last change of the global model; 0 where there is none.
  double cosine = 0;
};

// A round's change of the global model and its length.
struct GlobalDelta {
  GlobalDelta() = default;
  explicit GlobalDelta(Parameters change);

  Parameters values;  // may be empty: there is none to compare with
  double norm = 0;
};

// Validates a train task's update (the errors of ValidateUpdate) and compares
// it with the last change. Thread-safe.
StatusOr<UpdateReview> ReviewUpdate(const UpdateInfo& info,
                                    const VectorSource& delta,
                                    const UpdateRules& rules,
                                    const GlobalDelta& last_delta);

// The event of an accepted update. `arrived_seconds` count from the beginning
// of the round, `bytes` are those that it took on the way.
UpdateAcceptedEvent DescribeUpdate(const ClientName& client,
                                   const UpdateInfo& info,
                                   const UpdateReview& review,
                                   double arrived_seconds, std::int64_t bytes);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_UPDATE_REVIEW_H_
