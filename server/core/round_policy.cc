#include "server/core/round_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace fedgap {

std::string ToString(RoundEnding ending) {
  switch (ending) {
    case RoundEnding::kComplete:
      return "complete";
    case RoundEnding::kOverSelection:
      return "over_selection";
    case RoundEnding::kDeadline:
      return "deadline";
    case RoundEnding::kDepartures:
      return "departures";
  }
  return "unknown";
}

RoundDecision DecideRound(const RoundSituation& now) {
  if (now.accepted >= now.target) {
    const bool everybody =
        now.outstanding == 0 && now.rejected == 0 && now.left == 0;
    return {RoundAction::kClose,
            everybody ? RoundEnding::kComplete : RoundEnding::kOverSelection,
            ""};
  }
  if (now.outstanding > 0 && !now.deadline_passed) return {};

  // Nobody more will answer in time. Rounding up, so that a quorum of 1 means
  // all; at least one, because nothing comes of nothing.
  const int needed =
      std::max(1, static_cast<int>(std::ceil(now.quorum * now.target - 1e-9)));
  if (now.accepted >= needed) {
    return {
        RoundAction::kClose,
        now.outstanding > 0 ? RoundEnding::kDeadline : RoundEnding::kDepartures,
        ""};
  }
  return {RoundAction::kAbort, RoundEnding::kComplete,
          fmt::format("{} of {} updates, {} needed ({} rejected, {} left, {} "
                      "unanswered{})",
                      now.accepted, now.target, needed, now.rejected, now.left,
                      now.outstanding,
                      now.deadline_passed ? " at the deadline" : "")};
}

}  // namespace fedgap
