// A round between its first task and its end.
#ifndef FEDGAP_SERVER_CORE_OPEN_ROUND_H_
#define FEDGAP_SERVER_CORE_OPEN_ROUND_H_

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "common/base/clock.h"
#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/run_config.h"
#include "common/federation/task.h"
#include "server/aggregation/contribution.h"
#include "server/core/cohort_selection.h"
#include "server/core/model_snapshot.h"
#include "server/core/round_policy.h"

namespace fedgap {

enum class MemberState { kAsked, kValidating, kAccepted, kRejected, kLeft };

struct Member {
  MemberState state = MemberState::kAsked;
  std::string digest;           // of the update that is validated or accepted
  bool is_turned_away = false;  // while asked: its update was not needed
  bool is_lost = false;         // left because it did not come back in time
};

// The bookkeeping of one attempt at a round. Holds rules, no locks and no I/O:
// the coordinator's lock guards it.
class OpenRound {
 public:
  struct Plan {
    RunId run;
    Round round = 0;
    int attempt = 1;
    std::shared_ptr<const ModelSnapshot> base;
    Cohort cohort;
    // Whom the cohort was drawn from, sorted; for the round's event.
    std::vector<ClientName> eligible;
    // What every member is asked to do.
    std::variant<TrainTask, EvaluateTask> work;
    Clock::Time started;
    std::optional<Clock::Time> deadline;
    // How long a member whose connection is lost is waited for; nullopt: until
    // the deadline.
    std::optional<Clock::Duration> reconnect;
    double quorum = 1;
  };

  explicit OpenRound(Plan plan);

  Round round() const { return plan_.round; }
  int attempt() const { return plan_.attempt; }
  bool is_training() const {
    return std::holds_alternative<TrainTask>(plan_.work);
  }
  const Plan& plan() const { return plan_; }
  const std::map<ClientName, Member>& members() const { return members_; }

  // The same for every attempt: an update of an aborted attempt has the same
  // bits and is as good.
  TaskId TaskIdOf(const ClientName& client) const;
  // What to push to a member.
  Task TaskFor(const ClientName& client, Clock::Time now) const;
  // A member that has not answered.
  bool IsOutstanding(const ClientName& client) const;

  // Whether an update with this digest is wanted from this client: OK and
  // true: send it; OK and false: these very bytes are accepted already.
  // FAILED_PRECONDITION: not asked, another task, or its part has ended;
  // ALREADY_EXISTS: other bytes are accepted; UNAVAILABLE: a copy is being
  // validated at this moment.
  StatusOr<bool> WantsUpdate(const ClientName& client, const TaskId& task,
                             const std::string& digest) const;

  // Whether an update with this digest is the one being validated now.
  bool IsValidating(const ClientName& client, const std::string& digest) const;

  // Transitions of a member; it must be of the cohort.
  void BeginValidation(const ClientName& client, const std::string& digest);
  void Accept(const ClientName& client);
  void Reject(const ClientName& client);
  // Back to asked: the validation could not be done.
  void Retry(const ClientName& client);
  // Back to asked, without being waited for: the others' updates are enough.
  void TurnAway(const ClientName& client);
  // If one of those fails after all, whom to ask again. Forgets them.
  std::vector<ClientName> TakeTurnedAway();
  // No effect unless it is still being asked.
  void Leave(const ClientName& client);
  // Its connection is lost, or there again. Neither has an effect on who is not
  // of the cohort. Who comes back too late, but before the round is over, is
  // asked again.
  void Lose(const ClientName& client, Clock::Time now);
  void Return(const ClientName& client);
  // Those whose time to come back is over have left from now on; who they are.
  std::vector<ClientName> GiveUpLost(Clock::Time now);

  // Asked, without a connection, and waited for; sorted.
  std::vector<ClientName> Lost() const;
  // When time alone changes something: the deadline, or the end of somebody's
  // time to come back.
  std::optional<Clock::Time> NextChange() const;
  RoundSituation SituationAt(Clock::Time now) const;
  int accepted() const { return Count(MemberState::kAccepted); }
  // As many updates are accepted as count.
  bool is_full() const { return accepted() >= plan_.cohort.target; }
  // Whose part was ended by a bad update; sorted.
  std::vector<ClientName> Rejected() const;
  // Who gave no answer: left, was given up, or is still asked; sorted.
  std::vector<ClientName> Silent() const;

 private:
  template <typename Predicate>
  std::vector<ClientName> MembersWith(const Predicate& predicate) const;
  int Count(MemberState state) const {
    return counts_[static_cast<std::size_t>(state)];
  }
  Member& Move(const ClientName& client, MemberState to);

  Plan plan_;
  std::map<ClientName, Member> members_;
  std::map<ClientName, Clock::Time> lost_;  // since when
  std::array<int, 5> counts_{};             // members in each state
};

// Complete a plan that has its round and its beginning: what its members are
// asked to do, until when, and how many must answer. A training round takes all
// of that from the configuration; an evaluation is content with whoever
// answers.
void PlanTraining(const RunConfig& config, OpenRound::Plan& plan);
void PlanEvaluation(const RunConfig& config, OpenRound::Plan& plan);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_CORE_OPEN_ROUND_H_
