// When simulated clients are there, how long they take, and who never answers.
#ifndef FEDGAP_SIM_BEHAVIOR_H_
#define FEDGAP_SIM_BEHAVIOR_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/base/counter_rng.h"
#include "common/federation/run_config.h"
#include "server/core/cohort_selection.h"
#include "server/core/round_policy.h"
#include "sim/population.h"
#include "sim/simulation_config.h"

namespace fedgap {

// One attempt at a round in virtual time: nobody sleeps, and who counts is
// known before anybody trains.
struct VirtualRound {
  std::vector<std::size_t> cohort;        // selected, ascending
  std::vector<std::size_t> contributors;  // ascending
  int target = 0;
  int unavailable = 0;  // of the population
  int dropped = 0;      // of the cohort: never answer
  int late = 0;         // of the cohort: would have answered after the end
  double seconds = 0;   // until the end of the attempt
  RoundDecision decision;
};

// Seeded by run.seed, so that a run with behaviour is as reproducible as one
// without. A pure function of its arguments; thread-safe.
class Behavior {
 public:
  // All must outlive it.
  Behavior(const SimulationConfig& simulation, const RunConfig& run,
           const Population& population)
      : simulation_(simulation), run_(run), population_(population) {}

  // Whether anything is simulated at all: else every client is always there
  // and answers at once.
  bool active() const;

  // Draws the cohort from the clients that are there, lets them answer in the
  // order of their virtual arrival, and ends the attempt by the server's own
  // rule (DecideRound). Time: the population's where availability is below 1.
  VirtualRound Plan(Round round, int attempt) const;

 private:
  struct Arrival {
    double seconds = 0;
    std::size_t client = 0;
    auto operator<=>(const Arrival&) const = default;
  };

  // A client's draws in one attempt.
  CounterRng RngOf(std::size_t client, Round round, int attempt) const;
  bool IsThere(std::size_t client, Round round, int attempt) const;
  // That a client trains on in a round.
  double TrainedPixels(std::size_t client) const;
  double SecondsOf(std::size_t client) const;
  void EndByArrivals(std::vector<Arrival> arrivals, VirtualRound& plan) const;

  const SimulationConfig& simulation_;
  const RunConfig& run_;
  const Population& population_;
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_BEHAVIOR_H_
