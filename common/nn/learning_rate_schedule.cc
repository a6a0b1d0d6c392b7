#include "common/nn/learning_rate_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/base/did_you_mean.h"
#include "common/base/portable_math.h"

namespace fedgap {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"constant", "cosine",
                                                    "step", "exponential"};

// By squaring: products only, so the bits are the same everywhere.
double IntegerPower(double base, std::int64_t exponent) {
  double power = 1.0;
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) power *= base;
    base *= base;
  }
  return power;
}

double CosineRate(double base, double min_rate, std::int64_t t,
                  std::int64_t rounds) {
  if (t >= rounds) return min_rate;
  const double progress = static_cast<double>(t) / static_cast<double>(rounds);
  const double share =
      0.5 * (1.0 + PortableCos(std::numbers::pi_v<double> * progress));
  return min_rate + (base - min_rate) * share;
}

}  // namespace

std::string_view ToString(ScheduleKind kind) {
  return kNames[static_cast<std::size_t>(kind)];
}

StatusOr<ScheduleKind> ScheduleKindFromString(std::string_view text) {
  const auto found = std::ranges::find(kNames, text);
  if (found != kNames.end()) {
    return static_cast<ScheduleKind>(found - kNames.begin());
  }
  const std::vector<std::string> known(kNames.begin(), kNames.end());
  return absl::InvalidArgumentError(
      fmt::format("unknown schedule '{}' (known: {}){}", text,
                  fmt::join(kNames, ", "), DidYouMean(text, known)));
}

Status CheckSchedule(const LearningRateSchedule& schedule, double base_rate) {
  const auto fail = [](std::string_view field, double value,
                       std::string_view range) {
    return absl::InvalidArgumentError(
        fmt::format("{} is {}; it must be {}", field, value, range));
  };
  if (!std::isfinite(base_rate) || base_rate <= 0.0) {
    return fail("learning_rate", base_rate, "finite and positive");
  }
  if (schedule.warmup_rounds < 0) {
    return fail("warmup_rounds", schedule.warmup_rounds, "at least 0");
  }
  if (!(schedule.min_rate >= 0.0 && schedule.min_rate <= base_rate)) {
    return fail("min_rate", schedule.min_rate,
                fmt::format("in [0, {}], the learning rate", base_rate));
  }
  if (schedule.step_rounds < 1) {
    return fail("step_rounds", schedule.step_rounds, "at least 1");
  }
  if (!(schedule.decay > 0.0 && schedule.decay <= 1.0)) {
    return fail("decay", schedule.decay, "in (0, 1]");
  }
  return absl::OkStatus();
}

double LearningRate(const LearningRateSchedule& schedule, double base_rate,
                    std::int64_t round, std::int64_t rounds) {
  FEDGAP_CHECK(round >= 1 && rounds >= 1);
  const std::int64_t warmup = schedule.warmup_rounds;
  if (round <= warmup) {
    return base_rate * static_cast<double>(round) /
           static_cast<double>(warmup + 1);
  }
  const std::int64_t t = round - 1 - warmup;
  const double min_rate = schedule.min_rate;
  switch (schedule.kind) {
    case ScheduleKind::kConstant:
      return base_rate;
    case ScheduleKind::kCosine:
      return CosineRate(base_rate, min_rate, t, rounds - warmup);
    case ScheduleKind::kStep: {
      const double decayed =
          base_rate * IntegerPower(schedule.decay, t / schedule.step_rounds);
      return std::max(min_rate, decayed);
    }
    case ScheduleKind::kExponential:
      return std::max(min_rate, base_rate * IntegerPower(schedule.decay, t));
  }
  return base_rate;
}

}  // namespace fedgap
