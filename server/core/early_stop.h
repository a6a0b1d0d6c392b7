// Ends a run when it has reached its goal or stopped getting better.
#ifndef FEDGAP_SERVER_CORE_EARLY_STOP_H_
#define FEDGAP_SERVER_CORE_EARLY_STOP_H_

#include <cstdint>
#include <string>

#include "common/federation/metrics.h"
#include "common/federation/run_config.h"

namespace fedgap {

// Decides in integers (millionths of accuracy), so that every machine decides
// the same. A value type; part of every commit.
struct EarlyStop {
  std::int64_t best_millionths = 0;
  int stale_evaluations = 0;

  // Takes one evaluation's mean over groups. Returns why the run should end,
  // or "" to go on.
  std::string Observe(const StopConfig& config, const FairnessSummary& summary);
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_EARLY_STOP_H_
