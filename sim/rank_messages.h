// What the ranks of a simulation say to each other, as bytes.
#ifndef FEDGAP_SIM_RANK_MESSAGES_H_
#define FEDGAP_SIM_RANK_MESSAGES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/metrics.h"
#include "common/tensor/parameters.h"
#include "sim/rank_group.h"
#include "sim/trained_update.h"

namespace fedgap {

// From the root to all: what to do next.
struct RankOrder {
  enum class Kind : std::uint8_t {
    kTrain,     // the clients of one round; RankAnswer comes back
    kEvaluate,  // clients look at the final model; RankAnswer comes back
    kReduce,    // the sums of what was trained go to the root
    kDrop,      // they are void
    kFinish,    // this run is over
  };
  Kind kind = Kind::kFinish;
  // The rest for kTrain and kEvaluate.
  RunId run = {};
  Round round = 0;
  int attempt = 1;
  Parameters model = {};  // federated range
  // The last change of the global model, where the other ranks cannot know it:
  // in the first order of a process that continues a run.
  Parameters last_delta = {};
  // By rank: positions in the population.
  std::vector<std::vector<std::size_t>> clients = {};
  // Of those of the clients that have some.
  std::vector<std::pair<ClientName, Parameters>> local_tensors = {};

  bool operator==(const RankOrder&) const = default;
};

// From every rank to the root.
struct RankAnswer {
  Status status;
  bool interrupted = false;
  std::vector<TrainedUpdate> updates;
  std::vector<GroupMetrics> metrics;  // of kEvaluate
};

// From every rank to the root, before the first order: what the clients'
// updates depend on beside the configuration.
struct RankSetup {
  std::string host;  // may differ
  std::string software;
  bool portable_bits = true;  // kernels::HasPortableBits
  std::string model;          // SHA-256 of its specification
  std::uint64_t clients = 0;
  std::string data;  // XXH3-128 of what the population is made from

  bool operator==(const RankSetup&) const = default;
};

RankGroup::Bytes ToBytes(const RankSetup& setup);
RankGroup::Bytes ToBytes(const RankOrder& order);
RankGroup::Bytes ToBytes(const RankAnswer& answer);
// DATA_LOSS for anything that ToBytes has not written.
StatusOr<RankSetup> RankSetupFrom(const RankGroup::Bytes& bytes);
StatusOr<RankOrder> RankOrderFrom(const RankGroup::Bytes& bytes);
StatusOr<RankAnswer> RankAnswerFrom(const RankGroup::Bytes& bytes);

}  // namespace fedgap

#endif  // FEDGAP_SIM_RANK_MESSAGES_H_
