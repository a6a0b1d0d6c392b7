#include "dashboard/model/run_view_builder.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace fedgap {
namespace {

constexpr std::size_t kHistoryPoints = 200'000;  // of all clients
constexpr std::size_t kMostPointsPerClient = 2'000;

// Without summarising the event, which costs more than the rest.
EventLevel LevelOf(const Event& event) {
  if (std::holds_alternative<UpdateAcceptedEvent>(event)) {
    return EventLevel::kDebug;
  }
  return Summarize(event).level;
}

GroupRow& RowOf(std::vector<GroupRow>& rows, int group) {
  auto found = std::ranges::lower_bound(rows, group, {}, &GroupRow::group);
  if (found == rows.end() || found->group != group) {
    found = rows.insert(found, GroupRow{.group = group});
  }
  return *found;
}

std::vector<GroupRow> GroupRows(const RoundCommittedEvent& event) {
  std::vector<GroupRow> rows;
  double clients = 0;
  for (const GroupInfluence& part : event.group_influence) {
    clients += part.clients;
  }
  for (const GroupInfluence& part : event.group_influence) {
    GroupRow& row = RowOf(rows, part.group);
    row.influence = part.influence;
    row.pixel_share = part.pixel_influence;
    row.client_share = clients > 0 ? part.clients / clients : 0;
    row.clients = part.clients;
    row.samples = part.samples;
  }
  if (!event.evaluated) return rows;
  for (const GroupMetrics& part : event.evaluation.groups) {
    RowOf(rows, part.group).evaluation = part.sums;
  }
  for (const GroupMetrics& part : event.evaluation.prototype_groups) {
    RowOf(rows, part.group).prototypes = part.sums;
  }
  return rows;
}

double HeldOutAccuracy(const UpdateAcceptedEvent& update) {
  BatchMetrics sums;
  for (const GroupMetrics& part : update.held_out_metrics) {
    sums.count = SaturatingAdd(sums.count, part.sums.count);
    sums.correct = SaturatingAdd(sums.correct, part.sums.correct);
  }
  return sums.count > 0 ? sums.accuracy() : -1;
}

}  // namespace

std::optional<double> RunView::EtaSeconds() const {
  if (finished.has_value() || rounds.empty() || !started.has_value()) {
    return std::nullopt;
  }
  const std::size_t count = std::min<std::size_t>(rounds.size(), 10);
  double seconds = 0;
  for (std::size_t i = rounds.size() - count; i < rounds.size(); ++i) {
    seconds += rounds[i].seconds.total;
  }
  const auto left = static_cast<double>(started->rounds - rounds.back().round);
  return std::max(0.0, left) * seconds / static_cast<double>(count);
}

void RunViewBuilder::Take(const LoggedEvent& logged, std::string_view line) {
  if (!logged.known) return;
  ++view_.revision;
  ++events_seen_;
  now_ = logged.header.time;
  if (view_.first == Clock::WallTime{}) view_.first = now_;
  view_.last = now_;
  std::visit([this](const auto& event) { Fold(event); }, logged.event);
  LineRing& ring = rings_.at(static_cast<std::size_t>(LevelOf(logged.event)));
  if (ring.lines.size() < kEventsKept) {
    ring.lines.emplace_back(line);
  } else {
    ring.lines[ring.next].assign(line);
    ring.next = (ring.next + 1) % kEventsKept;
  }
}

std::vector<EventRow> RunViewBuilder::Events(std::uint64_t after) const {
  std::vector<EventRow> rows;
  for (const LineRing& ring : rings_) {
    for (const std::string& line : ring.lines) {
      const auto logged = ParseEventLine(line);
      if (!logged.ok() || !logged->known || logged->header.seq <= after) {
        continue;
      }
      EventSummary summary = Summarize(logged->event);
      rows.push_back({.seq = logged->header.seq,
                      .time = logged->header.time,
                      .level = summary.level,
                      .type = std::string(summary.type),
                      .round = summary.round,
                      .client = std::move(summary.client),
                      .text = std::move(summary.text)});
    }
  }
  std::ranges::sort(rows, {}, &EventRow::seq);
  return rows;
}

ClientView* RunViewBuilder::Touch(const std::string& name) {
  const auto [found, is_new] = index_.try_emplace(name, view_.clients.size());
  if (is_new && view_.clients.size() >= RunView::kMaxClients) {
    index_.erase(found);
    ++view_.uncounted_clients;
    return nullptr;
  }
  if (is_new) view_.clients.emplace_back().name = name;
  ClientView& client = view_.clients[found->second];
  client.last_seen = now_;
  client.revision = view_.revision;
  return &client;
}

void RunViewBuilder::Forget(Round after) {
  while (!view_.rounds.empty() && view_.rounds.back().round > after) {
    view_.rounds.pop_back();
  }
  for (ClientView& client : view_.clients) client.history.Truncate(after);
}

void RunViewBuilder::Fold(const RunStartedEvent& event) {
  ++view_.starts;
  view_.started = event;
  view_.finished.reset();
  view_.open = {};
  view_.paused = false;
  pending_.clear();
  Forget(event.last_committed);
  virtual_time_.Take(event);
  view_.virtual_seconds = virtual_time_.seconds();
  // A server that comes back has no connections yet.
  for (ClientView& client : view_.clients) {
    if (client.connected.has_value()) client.connected = false;
    client.revision = view_.revision;
  }
}

void RunViewBuilder::Fold(const SimulationStartedEvent& event) {
  view_.simulation = event;
}

void RunViewBuilder::Fold(const VirtualRoundEvent& event) {
  virtual_time_.Take(event);
  view_.virtual_seconds = virtual_time_.seconds();
}

void RunViewBuilder::Fold(const ClientJoinedEvent& event) {
  ClientView* client = Touch(event.client.value);
  if (client == nullptr) return;
  client->software = event.software;
  client->peer = event.peer;
  client->samples = event.samples;
  client->min_pixels = event.min_pixels;
  client->max_pixels = event.max_pixels;
  client->connected = true;
  client->left_reason.clear();
}

void RunViewBuilder::Fold(const ClientLeftEvent& event) {
  ClientView* client = Touch(event.client.value);
  if (client == nullptr) return;
  client->connected = false;
  client->left_reason = event.reason;
}

void RunViewBuilder::Fold(const RoundStartedEvent& event) {
  if (event.round != view_.open.round) {
    attempts_ = 0;
    rejected_ = 0;
  }
  ++attempts_;
  pending_.clear();
  learning_rate_ = event.learning_rate;
  view_.open = {.round = event.round,
                .attempt = event.attempt,
                .cohort = static_cast<int>(event.cohort.size()),
                .received = 0,
                .began = now_};
}

void RunViewBuilder::Fold(const UpdateAcceptedEvent& event) {
  ++view_.open.received;
  Touch(event.client.value);
  PendingUpdate& update = pending_[event.client.value];
  update.point = {.round = event.round,
                  .norm = event.norm,
                  .cosine = event.cosine,
                  .train_seconds = event.train_seconds,
                  .arrived_seconds = event.arrived_seconds,
                  .bytes = event.bytes,
                  .held_out_accuracy = HeldOutAccuracy(event)};
  update.groups.clear();
  update.samples = 0;
  for (const GroupCounts& part : event.counts) {
    update.groups.push_back(part.group);
    update.samples += part.samples;
  }
}

void RunViewBuilder::Fold(const UpdateRejectedEvent& event) {
  ++view_.rejected;
  ++rejected_;
  ClientView* client = Touch(event.client.value);
  if (client == nullptr) return;
  ++client->rejected;
  client->rejections.push_back({event.round, now_, event.code, event.reason});
  if (client->rejections.size() > ClientView::kMaxRejections) {
    client->rejections.pop_front();
  }
}

void RunViewBuilder::AddHeldOut(const std::vector<GroupMetrics>& parts) {
  if (parts.empty()) return;
  RoundView& row = view_.rounds.back();
  row.held_out_fairness = Summarize(parts);
  for (const GroupMetrics& part : parts) {
    RowOf(row.groups, part.group).held_out = part.sums;
  }
  row.revision = view_.revision;
}

void RunViewBuilder::Count(const std::string& name, PendingUpdate& update) {
  ++view_.accepted;
  ClientView* client = Touch(name);
  if (client == nullptr) return;
  ++client->accepted;
  client->bytes += update.point.bytes;
  client->groups.swap(update.groups);
  if (!client->connected.has_value()) client->samples = update.samples;
  const std::size_t limit = std::clamp<std::size_t>(
      kHistoryPoints / view_.clients.size(), 16, kMostPointsPerClient);
  update.point.revision = view_.revision;
  client->history.Add(update.point, limit);
}

// The update that came last decides how long the round collected.
RoundSeconds RunViewBuilder::Split(const PhaseSeconds& phases) const {
  const auto when = [](const UpdatePoint& point) {
    return std::pair(point.arrived_seconds, point.train_seconds);
  };
  const UpdatePoint* last = nullptr;
  for (const auto& [client, update] : pending_) {
    if (last == nullptr || when(update.point) > when(*last)) {
      last = &update.point;
    }
  }
  RoundSeconds split{.aggregate = phases.aggregate,
                     .evaluate = phases.evaluate,
                     .commit = phases.commit,
                     .total = phases.total};
  if (last == nullptr) {
    split.wait = phases.collect;
  } else {
    const double in = std::min(last->arrived_seconds, phases.collect);
    split.train = std::min(last->train_seconds, in);
    split.transfer = in - split.train;
    split.wait = phases.collect - in;
  }
  split.other = std::max(0.0, phases.total - phases.collect - phases.aggregate -
                                  phases.evaluate - phases.commit);
  return split;
}

void RunViewBuilder::Fold(const RoundCommittedEvent& event) {
  virtual_time_.Take(event);
  // A commit that a crash kept out of the log is written again alone.
  if (!view_.rounds.empty() && view_.rounds.back().round >= event.round) {
    Forget(event.round - 1);
  }
  RoundView row{.round = event.round,
                .attempts = std::max(1, attempts_),
                .time = now_,
                .contributors = static_cast<int>(event.contributors.size()),
                .rejected = rejected_,
                .ending = event.ending,
                .learning_rate = learning_rate_,
                .train_loss = event.training.loss(),
                .delta_norm = event.delta_norm,
                .cosine = event.cosine_to_previous,
                .bytes_up = event.bytes_up,
                .bytes_down = event.bytes_down,
                .seconds = Split(event.seconds)};
  row.groups = GroupRows(event);
  row.revision = view_.revision;
  // Of the model before this round, which is the one after the last.
  if (!view_.rounds.empty() && view_.rounds.back().round == event.round - 1) {
    AddHeldOut(event.client_held_out);
  }
  if (event.evaluated) {
    row.fairness = event.evaluation.fairness;
    view_.evaluation = event.evaluation;
    view_.evaluated = event.round;
  }
  for (const ClientName& name : event.contributors) {
    const auto update = pending_.find(name.value);
    if (update != pending_.end()) Count(name.value, update->second);
  }
  for (const ClientInfluence& share : event.client_influence) {
    const auto found = index_.find(share.client.value);
    if (found == index_.end()) continue;
    view_.clients[found->second].influence = share.influence;
  }
  view_.rounds.push_back(std::move(row));
  pending_.clear();
  view_.open = {};
  attempts_ = 0;
  rejected_ = 0;
}

void RunViewBuilder::Fold(const RoundAbortedEvent&) {
  ++view_.aborted;
  pending_.clear();
  view_.open.received = 0;
}

void RunViewBuilder::Fold(const FinalEvaluationEvent& event) {
  view_.final_evaluation = event;
  if (!view_.rounds.empty()) AddHeldOut(event.client_held_out);
}

void RunViewBuilder::Fold(const RunFinishedEvent& event) {
  view_.finished = event;
  view_.open = {};
}

void RunViewBuilder::Fold(const WarningEvent&) {}

void RunViewBuilder::Fold(const PauseEvent& event) {
  view_.paused = event.paused;
}

}  // namespace fedgap
