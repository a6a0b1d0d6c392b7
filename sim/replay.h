// Recorded rounds, done again by a simulated population.
#ifndef FEDGAP_SIM_REPLAY_H_
#define FEDGAP_SIM_REPLAY_H_

#include <cstddef>
#include <vector>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/model_id.h"
#include "sim/population.h"
#include "sim/recorded_rounds.h"

namespace fedgap {

// Which clients count in each round, and which model must come out. Immutable.
class Replay {
 public:
  // INVALID_ARGUMENT names a contributor that the population does not have.
  static StatusOr<Replay> Create(RecordedRounds recorded,
                                 const Population& population);

  Round last_round() const {
    return static_cast<Round>(recorded_.rounds.size());
  }
  // Positions in the population, ascending; `round` in [1, last_round()].
  const std::vector<std::size_t>& ContributorsOf(Round round) const {
    return contributors_[static_cast<std::size_t>(round - 1)];
  }
  // Whether the recorded run ended with last_round(); else it may go on.
  bool finished() const { return recorded_.finished; }
  // Whether `model`, after `round` (0: the initial one), is the recorded one.
  // FAILED_PRECONDITION names the round that differs and both models, or says
  // that there is no such round.
  Status Check(Round round, const ModelId& model) const;

 private:
  Replay() = default;

  RecordedRounds recorded_;
  std::vector<std::vector<std::size_t>> contributors_;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_REPLAY_H_
