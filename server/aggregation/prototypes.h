// Means of pooled vectors over the clients of a round.
#ifndef FEDGAP_SERVER_AGGREGATION_PROTOTYPES_H_
#define FEDGAP_SERVER_AGGREGATION_PROTOTYPES_H_

#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/federation/pooled_statistics.h"
#include "server/aggregation/weighting.h"

namespace fedgap {

// Class prototypes after a round: weighted means over the clients that hold
// enough of a class. Rows without a client are zero and `held` is false.
struct Prototypes {
  int classes = 0;
  int channels = 0;
  std::vector<float> means;  // [classes, channels]
  std::vector<bool> held;    // [classes]
  bool empty() const { return means.empty(); }
};

// The pooled statistics of one client, checked (update_validation.h). Borrowed:
// of a large cohort they are most of what the server holds.
struct ClientPooled {
  ClientCounts counts;  // with the client's name
  const PooledStatistics* pooled = nullptr;
};

// What a round says about pooled vectors. With w_i the clients' shares under
// the weighting of the round, and a client's own mean weighted by its counts
// where it holds several resolution groups:
//   mean            sum_i w_i z_i / sum_i w_i    over clients that sent z_i
//   prototype of c  sum_i w_i mu_ic / sum_i w_i  over clients that hold c
// In double in the order of client names, whatever the order given: the same
// bits for any order of arrival.
struct PooledAggregate {
  std::vector<float> mean;  // [channels]; empty where nobody sent any
  Prototypes prototypes;    // empty where nobody sent class means
};
PooledAggregate AggregatePooled(Weighting weighting, int classes, int channels,
                                std::vector<ClientPooled> clients);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_AGGREGATION_PROTOTYPES_H_
