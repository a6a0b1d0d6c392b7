// When a round ends, as a function of what has happened in it.
#ifndef FEDGAP_SERVER_CORE_ROUND_POLICY_H_
#define FEDGAP_SERVER_CORE_ROUND_POLICY_H_

#include <string>

namespace fedgap {

// One moment of an open round.
struct RoundSituation {
  int target = 0;  // updates that close the round at once
  int accepted = 0;
  int outstanding = 0;  // asked, no answer yet; a lost connection may return
  int rejected = 0;
  int left = 0;  // said that they leave, or did not come back in time
  bool deadline_passed = false;
  double quorum = 1;  // share of the target that is needed at the end
};

enum class RoundAction { kWait, kClose, kAbort };

// Why a round closed. `kComplete`: everybody that was asked; the others depend
// on time, so the run is replayable rather than reproducible.
enum class RoundEnding { kComplete, kOverSelection, kDeadline, kDepartures };
std::string ToString(RoundEnding ending);

struct RoundDecision {
  RoundAction action = RoundAction::kWait;
  RoundEnding ending = RoundEnding::kComplete;
  std::string reason;  // of an abort
};

RoundDecision DecideRound(const RoundSituation& situation);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_ROUND_POLICY_H_
