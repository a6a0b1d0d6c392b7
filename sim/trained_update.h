// What a simulated client's training gives.
#ifndef FEDGAP_SIM_TRAINED_UPDATE_H_
#define FEDGAP_SIM_TRAINED_UPDATE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/update.h"
#include "common/tensor/parameters.h"
#include "server/aggregation/contribution.h"
#include "server/core/update_review.h"

namespace fedgap {

// An update and what the server's review says of it.
struct TrainedUpdate {
  ClientName client;
  UpdateInfo info;
  std::string digest;  // of delta
  // Null where another rank has added it up already.
  std::shared_ptr<const VectorSource> delta;
  std::int64_t bytes = 0;      // that would have travelled
  double arrived_seconds = 0;  // after the beginning of the round
  Parameters local;            // the client's local tensors, provisional
  // OK: it counts, and `review` is what was found.
  Status verdict;
  UpdateReview review;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_TRAINED_UPDATE_H_
