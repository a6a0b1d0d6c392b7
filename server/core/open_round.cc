#include "server/core/open_round.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/check.h"
#include "common/nn/learning_rate_schedule.h"

namespace fedgap {
namespace {

// Of a key whose 0 means that there is no limit.
std::optional<Clock::Duration> LimitOf(double seconds) {
  const auto limit = std::chrono::duration_cast<Clock::Duration>(
      std::chrono::duration<double>(seconds));
  if (limit.count() == 0) return std::nullopt;
  return limit;
}

void PlanLimits(const CohortConfig& cohort, OpenRound::Plan& plan) {
  plan.reconnect = LimitOf(cohort.reconnect_seconds);
  const std::optional<Clock::Duration> limit = LimitOf(cohort.deadline_seconds);
  if (limit.has_value()) plan.deadline = plan.started + *limit;
}

}  // namespace

OpenRound::OpenRound(Plan plan) : plan_(std::move(plan)) {
  for (const ClientName& client : plan_.cohort.clients) members_[client] = {};
  counts_[static_cast<std::size_t>(MemberState::kAsked)] =
      static_cast<int>(members_.size());
}

TaskId OpenRound::TaskIdOf(const ClientName& client) const {
  return {fmt::format("{}/{}/{}/{}", plan_.run.value, plan_.round,
                      is_training() ? "train" : "evaluate", client.value)};
}

Task OpenRound::TaskFor(const ClientName& client, Clock::Time now) const {
  Task task;
  task.id = TaskIdOf(client);
  task.round = plan_.round;
  task.base = plan_.base->id();
  if (plan_.deadline.has_value()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        *plan_.deadline - now);
    task.time_left = std::max(left, std::chrono::milliseconds(1));
  }
  std::visit([&task](const auto& work) { task.work = work; }, plan_.work);
  return task;
}

bool OpenRound::IsOutstanding(const ClientName& client) const {
  const auto found = members_.find(client);
  return found != members_.end() && found->second.state == MemberState::kAsked;
}

StatusOr<bool> OpenRound::WantsUpdate(const ClientName& client,
                                      const TaskId& task,
                                      const std::string& digest) const {
  const auto found = members_.find(client);
  if (found == members_.end()) {
    return absl::FailedPreconditionError(fmt::format(
        "{} is not in the cohort of round {}", client.value, plan_.round));
  }
  if (task != TaskIdOf(client)) {
    return absl::FailedPreconditionError(
        fmt::format("the update is for task {}, the open one is {}", task.value,
                    TaskIdOf(client).value));
  }
  const Member& member = found->second;
  switch (member.state) {
    case MemberState::kAsked:
      return true;
    case MemberState::kValidating:
      return absl::UnavailableError(
          "another copy of this update is being checked; try again");
    case MemberState::kAccepted:
      if (member.digest == digest) return false;
      return absl::AlreadyExistsError(fmt::format(
          "a different update of {} was accepted in round {}: digest {}, not "
          "{}",
          client.value, plan_.round, member.digest, digest));
    case MemberState::kRejected:
      return absl::FailedPreconditionError(fmt::format(
          "an update of {} was rejected in round {}; its part in the round is "
          "over",
          client.value, plan_.round));
    case MemberState::kLeft:
      if (member.is_lost) return true;  // back in time after all
      return absl::FailedPreconditionError(
          fmt::format("{} has left round {}", client.value, plan_.round));
  }
  return absl::InternalError("unreachable");
}

bool OpenRound::IsValidating(const ClientName& client,
                             const std::string& digest) const {
  const auto found = members_.find(client);
  return found != members_.end() &&
         found->second.state == MemberState::kValidating &&
         found->second.digest == digest;
}

void OpenRound::BeginValidation(const ClientName& client,
                                const std::string& digest) {
  Move(client, MemberState::kValidating).digest = digest;
}

void OpenRound::Accept(const ClientName& client) {
  Move(client, MemberState::kAccepted);
}

void OpenRound::Reject(const ClientName& client) {
  Move(client, MemberState::kRejected).digest.clear();
}

void OpenRound::Retry(const ClientName& client) {
  Move(client, MemberState::kAsked).digest.clear();
}

void OpenRound::TurnAway(const ClientName& client) {
  Member& member = Move(client, MemberState::kAsked);
  member.digest.clear();
  member.is_turned_away = true;
}

std::vector<ClientName> OpenRound::TakeTurnedAway() {
  std::vector<ClientName> clients;
  for (auto& [client, member] : members_) {
    if (!std::exchange(member.is_turned_away, false)) continue;
    if (member.state == MemberState::kAsked) clients.push_back(client);
  }
  return clients;
}

template <typename Predicate>
std::vector<ClientName> OpenRound::MembersWith(
    const Predicate& predicate) const {
  std::vector<ClientName> clients;
  for (const auto& [client, member] : members_) {
    if (predicate(member)) clients.push_back(client);
  }
  return clients;
}

std::vector<ClientName> OpenRound::Rejected() const {
  return MembersWith([](const Member& member) {
    return member.state == MemberState::kRejected;
  });
}

std::vector<ClientName> OpenRound::Silent() const {
  return MembersWith([](const Member& member) {
    return member.state == MemberState::kLeft ||
           (member.state == MemberState::kAsked && !member.is_turned_away);
  });
}

void OpenRound::Leave(const ClientName& client) {
  Return(client);
  if (IsOutstanding(client)) Move(client, MemberState::kLeft);
}

void OpenRound::Lose(const ClientName& client, Clock::Time now) {
  if (members_.contains(client)) lost_.try_emplace(client, now);
}

void OpenRound::Return(const ClientName& client) {
  lost_.erase(client);
  const auto found = members_.find(client);
  if (found == members_.end() || !found->second.is_lost) return;
  if (found->second.state == MemberState::kLeft) {
    Move(client, MemberState::kAsked);
  }
  found->second.is_lost = false;
}

std::vector<ClientName> OpenRound::GiveUpLost(Clock::Time now) {
  std::vector<ClientName> given_up;
  if (!plan_.reconnect.has_value()) return given_up;
  for (const ClientName& client : Lost()) {
    if (now < lost_.at(client) + *plan_.reconnect) continue;
    Move(client, MemberState::kLeft).is_lost = true;
    given_up.push_back(client);
  }
  return given_up;
}

std::vector<ClientName> OpenRound::Lost() const {
  std::vector<ClientName> lost;
  for (const auto& [client, since] : lost_) {
    if (IsOutstanding(client)) lost.push_back(client);
  }
  return lost;
}

std::optional<Clock::Time> OpenRound::NextChange() const {
  std::optional<Clock::Time> next = plan_.deadline;
  if (!plan_.reconnect.has_value()) return next;
  for (const ClientName& client : Lost()) {
    const Clock::Time end = lost_.at(client) + *plan_.reconnect;
    if (!next.has_value() || end < *next) next = end;
  }
  return next;
}

RoundSituation OpenRound::SituationAt(Clock::Time now) const {
  RoundSituation situation;
  situation.target = plan_.cohort.target;
  situation.accepted = Count(MemberState::kAccepted);
  situation.outstanding =
      Count(MemberState::kAsked) + Count(MemberState::kValidating);
  situation.rejected = Count(MemberState::kRejected);
  situation.left = Count(MemberState::kLeft);
  situation.deadline_passed =
      plan_.deadline.has_value() && now >= *plan_.deadline;
  situation.quorum = plan_.quorum;
  return situation;
}

Member& OpenRound::Move(const ClientName& client, MemberState to) {
  const auto found = members_.find(client);
  FEDGAP_CHECK(found != members_.end());
  Member& member = found->second;
  --counts_[static_cast<std::size_t>(member.state)];
  ++counts_[static_cast<std::size_t>(to)];
  member.state = to;
  return member;
}

void PlanTraining(const RunConfig& config, OpenRound::Plan& plan) {
  TrainTask train{config.seed, config.training.local, config.evaluation.local};
  train.training.learning_rate = LearningRate(
      config.training.schedule, config.training.local.learning_rate,
      static_cast<int>(plan.round), config.rounds);
  plan.work = train;
  plan.quorum = config.cohort.quorum;
  PlanLimits(config.cohort, plan);
}

void PlanEvaluation(const RunConfig& config, OpenRound::Plan& plan) {
  plan.work = EvaluateTask{config.seed, config.evaluation.local};
  plan.quorum = 1e-6;
  PlanLimits(config.cohort, plan);
}

}  // namespace fedgap
