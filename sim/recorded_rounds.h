// The rounds that a run committed, as its event log has them.
#ifndef FEDGAP_SIM_RECORDED_ROUNDS_H_
#define FEDGAP_SIM_RECORDED_ROUNDS_H_

#include <filesystem>
#include <vector>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/model_id.h"

namespace fedgap {

struct RecordedRounds {
  struct Committed {
    std::vector<ClientName> contributors;  // whose updates counted; sorted
    ModelId model;                         // after the round
  };
  ModelId initial;
  std::vector<Committed> rounds;  // [r - 1] is round r
  bool finished = false;          // no more will follow
};

// Of the run in `directory`, finished or not. NOT_FOUND: it has no event log
// with a run and a committed round in it. DATA_LOSS: the log cannot be read
// (ReadEvents), misses a round, or has two models of one round.
StatusOr<RecordedRounds> ReadRecordedRounds(
    const std::filesystem::path& directory);

}  // namespace fedgap

#endif  // FEDGAP_SIM_RECORDED_ROUNDS_H_
