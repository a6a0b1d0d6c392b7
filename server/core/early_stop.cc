#include "server/core/early_stop.h"

#include <fmt/format.h>

#include <cmath>

namespace fedgap {
namespace {

std::int64_t Millionths(double accuracy) {
  return static_cast<std::int64_t>(std::nearbyint(accuracy * 1e6));
}

}  // namespace

std::string EarlyStop::Observe(const StopConfig& config,
                               const FairnessSummary& summary) {
  const std::int64_t mean = Millionths(summary.mean);
  if (mean > best_millionths) {
    best_millionths = mean;
    stale_evaluations = 0;
  } else {
    ++stale_evaluations;
  }
  if (config.target_accuracy > 0 &&
      mean >= Millionths(config.target_accuracy)) {
    return fmt::format("target reached: mean accuracy {:.4f}", summary.mean);
  }
  if (config.patience > 0 && stale_evaluations >= config.patience) {
    return fmt::format("no better mean accuracy in {} evaluations",
                       stale_evaluations);
  }
  return "";
}

}  // namespace fedgap
