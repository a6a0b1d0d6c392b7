// The learning rate of each round of a run.
#ifndef FEDGAP_COMMON_NN_LEARNING_RATE_SCHEDULE_H_
#define FEDGAP_COMMON_NN_LEARNING_RATE_SCHEDULE_H_

#include <cstdint>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

// With t = the rounds since the warm-up (0 for the first), T = the rounds of
// the run without the warm-up and b, m = the base and the minimum rate:
enum class ScheduleKind {
  kConstant,     // b
  kCosine,       // m + (b - m) (1 + cos(pi t / T)) / 2 (Loshchilov and Hutter,
                 // "SGDR", 2017, without restarts)
  kStep,         // b decay^floor(t / step_rounds), at least m
  kExponential,  // b decay^t, at least m
};

// "constant", "cosine", "step", "exponential".
std::string_view ToString(ScheduleKind kind);
// INVALID_ARGUMENT for another name, with the known ones.
StatusOr<ScheduleKind> ScheduleKindFromString(std::string_view text);

struct LearningRateSchedule {
  ScheduleKind kind = ScheduleKind::kConstant;
  // The first rounds rise evenly to the base rate: round r of w has
  // b r / (w + 1), whatever the minimum. Helps where the first steps diverge.
  int warmup_rounds = 0;  // >= 0
  double min_rate = 0.0;  // in [0, b]
  int step_rounds = 10;   // kStep: >= 1
  double decay = 0.1;     // kStep, kExponential: in (0, 1]

  bool operator==(const LearningRateSchedule&) const = default;
};

// INVALID_ARGUMENT for a field out of the range given above, or a base rate
// that is not finite and positive.
Status CheckSchedule(const LearningRateSchedule& schedule, double base_rate);

// The rate of round `round` of `rounds`; both count from 1. A round beyond the
// last has the rate that kCosine ends at, m, or goes on falling. A pure
// function with the same bits everywhere. The schedule must pass CheckSchedule.
double LearningRate(const LearningRateSchedule& schedule, double base_rate,
                    std::int64_t round, std::int64_t rounds);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_LEARNING_RATE_SCHEDULE_H_
