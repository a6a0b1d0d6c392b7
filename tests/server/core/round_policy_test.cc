#include "server/core/round_policy.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace fedgap {
namespace {

struct Case {
  std::string why;
  RoundSituation now;
  RoundAction action;
  RoundEnding ending = RoundEnding::kComplete;
};

TEST(RoundPolicyTest, DecidesEachSituation) {
  const std::vector<Case> cases = {
      {"nobody has answered",
       {.target = 4, .outstanding = 4},
       RoundAction::kWait},
      {"some are still training",
       {.target = 4, .accepted = 3, .outstanding = 1},
       RoundAction::kWait},
      {"everybody has answered",
       {.target = 4, .accepted = 4},
       RoundAction::kClose,
       RoundEnding::kComplete},
      {"over-selection: enough are in, spares are still training",
       {.target = 4, .accepted = 4, .outstanding = 2},
       RoundAction::kClose,
       RoundEnding::kOverSelection},
      {"enough are in although one was rejected",
       {.target = 4, .accepted = 4, .rejected = 1},
       RoundAction::kClose,
       RoundEnding::kOverSelection},
      {"one bad client, half would do",
       {.target = 4, .accepted = 3, .rejected = 1, .quorum = 0.5},
       RoundAction::kClose,
       RoundEnding::kDepartures},
      {"one bad client, all are needed",
       {.target = 4, .accepted = 3, .rejected = 1, .quorum = 1},
       RoundAction::kAbort},
      {"deadline with quorum",
       {.target = 4,
        .accepted = 2,
        .outstanding = 2,
        .deadline_passed = true,
        .quorum = 0.5},
       RoundAction::kClose,
       RoundEnding::kDeadline},
      {"deadline one short of the quorum",
       {.target = 5,
        .accepted = 2,
        .outstanding = 3,
        .deadline_passed = true,
        .quorum = 0.5},
       RoundAction::kAbort},
      {"deadline, nothing at all, and a quorum that rounds to zero",
       {.target = 4,
        .outstanding = 4,
        .deadline_passed = true,
        .quorum = 0.001},
       RoundAction::kAbort},
      {"a quorum that binary fractions miss: 0.7 of 10 is 7, not 8",
       {.target = 10, .accepted = 7, .left = 3, .quorum = 0.7},
       RoundAction::kClose,
       RoundEnding::kDepartures},
      {"everybody left", {.target = 2, .left = 2}, RoundAction::kAbort},
  };
  for (const Case& c : cases) {
    const RoundDecision decision = DecideRound(c.now);
    EXPECT_EQ(decision.action, c.action) << c.why;
    if (c.action == RoundAction::kClose) {
      EXPECT_EQ(decision.ending, c.ending) << c.why;
    }
    EXPECT_EQ(decision.reason.empty(), c.action != RoundAction::kAbort)
        << c.why;
  }
}

}  // namespace
}  // namespace fedgap
