// Whom a run waits for, and how that is said; see coordinator.h.
#include <fmt/format.h>

#include <algorithm>

#include "server/core/coordinator.h"

namespace fedgap {
namespace {

// Names said in one line; the others are counted.
constexpr std::size_t kNamesShown = 5;
// That two programs use one certificate is logged so seldom.
constexpr std::chrono::minutes kSecondLogged{1};

std::string SomeNames(const std::vector<ClientName>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", names[i].value);
  }
  if (names.size() <= kNamesShown) return text;
  return fmt::format("{} and {} more", text, names.size() - kNamesShown);
}

std::string DescribeLost(const OpenRound& round) {
  const std::vector<ClientName> lost = round.Lost();
  if (lost.empty()) return "";
  std::string limit;
  if (round.plan().reconnect.has_value()) {
    limit =
        fmt::format(" for {} s at most", ToSeconds(*round.plan().reconnect));
  } else if (round.plan().deadline.has_value()) {
    limit = " until the round's deadline";
  }
  return fmt::format("round {} waits{} for {}, whose connection is lost",
                     round.round(), limit, SomeNames(lost));
}

}  // namespace

std::string Coordinator::WaitsFor() const {
  MutexLock lock(mutex_);
  return DescribeWait();
}

std::optional<Clock::Time> Coordinator::UntoldUntil(
    Clock::Duration patience) const {
  MutexLock lock(mutex_);
  if (phase_ != RunPhase::kFinished || resumable_) return std::nullopt;
  std::optional<Clock::Time> until;
  for (const auto& [name, record] : registry_.clients()) {
    if (!record.lost.has_value()) continue;
    const Clock::Time end = *record.lost + patience;
    if (end <= deps_.clock.Now()) continue;
    until = until.has_value() ? std::max(*until, end) : end;
  }
  return until;
}

std::string Coordinator::DescribeWait() const {
  if (phase_ == RunPhase::kCollecting) return DescribeLost(*round_);
  if (phase_ != RunPhase::kWaiting || paused_) return "";
  const int connected = registry_.connected_count();
  if (connected >= ClientsNeeded()) return "";
  const std::string names =
      connected == 0 ? ""
                     : fmt::format(" ({})", SomeNames(registry_.Connected()));
  return fmt::format("waiting for clients: {} of {} connected{}", connected,
                     ClientsNeeded(), names);
}

void Coordinator::GiveUpLost(Clock::Time now) {
  for (const ClientName& client : round_->GiveUpLost(now)) {
    registry_.Find(client)->lost.reset();
    deps_.events.Emit(WarningEvent{fmt::format(
        "round {} goes on without {}, which did not come back within {} s "
        "(cohort.reconnect_seconds)",
        round_->round(), client.value,
        options_.config.cohort.reconnect_seconds)});
  }
}

Status Coordinator::Admit(const ClientName& client, const std::string& peer,
                          const JoinRequest& request) {
  if (ClientRecord* known = registry_.Find(client)) {
    if (known->sink != nullptr && known->join.instance != request.instance) {
      return RefuseSecond(client, *known, peer);
    }
  }
  ClientJoinedEvent event;
  event.client = client;
  event.software = request.software;
  event.peer = peer;
  event.samples = request.samples;
  event.min_pixels = request.min_pixels;
  event.max_pixels = request.max_pixels;
  // Before a restart, too, if an update of it counted.
  event.returned =
      registry_.Join(client, request) || contributions_.contains(client);
  registry_.Find(client)->peer = peer;
  deps_.events.Emit(event);
  return absl::OkStatus();
}

Status Coordinator::CheckInstance(const ClientName& client,
                                  const std::string& peer,
                                  std::uint64_t instance) {
  MutexLock lock(mutex_);
  ClientRecord* known = registry_.Find(client);
  if (known == nullptr || known->join.instance == instance) {
    return absl::OkStatus();
  }
  return RefuseSecond(client, *known, peer);
}

Status Coordinator::RefuseSecond(const ClientName& client, ClientRecord& first,
                                 const std::string& peer) {
  const std::string both = fmt::format(
      "two programs use the certificate of {}: the one at {} takes part, the "
      "one at {} must wait until that is gone; stop one of them, or give it a "
      "certificate of its own (`fedgap certs issue`)",
      client.value, first.peer, peer);
  const Clock::Time now = deps_.clock.Now();
  if (!first.second_logged.has_value() ||
      now - *first.second_logged >= kSecondLogged) {
    first.second_logged = now;
    deps_.events.Emit(WarningEvent{both});
  }
  return absl::AbortedError(both);
}

}  // namespace fedgap
