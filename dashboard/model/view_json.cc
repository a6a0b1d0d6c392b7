#include "dashboard/model/view_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>
#include <vector>

#include "dashboard/model/pooled_json.h"

namespace fedgap {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t Milliseconds(Clock::WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             time.time_since_epoch())
      .count();
}

Json SourceJson(const ViewSource& source) {
  Json bad = Json::array();
  for (const EventLogDamage::Line& line : source.damage.first) {
    bad.push_back(
        {{"file", line.file}, {"line", line.line}, {"what", line.what}});
  }
  return {{"name", source.name},
          {"lines", source.lines},
          {"bytes", source.bytes},
          {"bad_lines", source.damage.bad_lines},
          {"missing_lines", source.damage.missing_lines},
          {"half_line_bytes", source.damage.half_line_bytes},
          {"bad", std::move(bad)}};
}

Json IdentityJson(const RunView& view) {
  if (!view.started.has_value()) return nullptr;
  const RunStartedEvent& e = *view.started;
  Json simulated;
  if (view.simulation.has_value()) {
    simulated = {{"clients", view.simulation->clients},
                 {"population", view.simulation->population}};
  }
  // 64 bits are more than a number of JavaScript holds.
  return {{"id", e.run.value},
          {"name", e.name},
          {"seed", std::to_string(e.seed)},
          {"planned", e.rounds},
          {"model", e.model},
          {"parameters", e.parameters},
          {"software", e.software},
          {"group_labels", e.group_labels},
          {"class_names", e.class_names},
          {"config", e.config_toml},
          {"starts", view.starts},
          {"simulated", std::move(simulated)}};
}

Json StateJson(const RunView& view) {
  const char* phase =
      view.revision == 0 ? "empty"
      : view.finished.has_value()
          ? (WasInterrupted(view.finished->reason) ? "interrupted" : "finished")
      : view.open.round > 0 ? "running"
      : view.rounds.empty() ? "waiting"
                            : "between rounds";
  const auto eta = view.EtaSeconds();
  return {{"phase", phase},
          {"reason", view.finished.has_value() ? view.finished->reason : ""},
          {"seconds", view.finished.has_value() ? Json(view.finished->seconds)
                                                : Json(nullptr)},
          {"first", Milliseconds(view.first)},
          {"last", Milliseconds(view.last)},
          {"round", view.open.round},
          {"attempt", view.open.attempt},
          {"cohort", view.open.cohort},
          {"received", view.open.received},
          {"began", Milliseconds(view.open.began)},
          {"eta", eta.has_value() ? Json(*eta) : Json(nullptr)},
          {"accepted", view.accepted},
          {"rejected", view.rejected},
          {"aborted", view.aborted},
          {"virtual_seconds", view.virtual_seconds},
          {"unlisted_updates", view.uncounted_clients}};
}

Json Optional(const std::optional<FairnessSummary>& fairness,
              double FairnessSummary::*field) {
  return fairness.has_value() ? Json(ShortNumber((*fairness).*field))
                              : Json(nullptr);
}

// Columns, so that no name is repeated ten thousand times.
class Columns {
 public:
  void Add(const char* name, Json value) {
    Json& column = json_[name];
    if (column.is_null()) column = Json::array();
    column.push_back(std::move(value));
  }
  Json Take() { return std::move(json_); }

 private:
  Json json_ = Json::object();
};

void AddFairness(const std::optional<FairnessSummary>& fairness,
                 Columns& columns) {
  columns.Add("mean", Optional(fairness, &FairnessSummary::mean));
  columns.Add("worst", Optional(fairness, &FairnessSummary::worst));
  columns.Add("gap", Optional(fairness, &FairnessSummary::gap));
  columns.Add("stddev", Optional(fairness, &FairnessSummary::stddev));
  columns.Add("jain", Optional(fairness, &FairnessSummary::jain));
}

void AddSeconds(const RoundSeconds& seconds, Columns& columns) {
  columns.Add("wait", ShortNumber(seconds.wait));
  columns.Add("train", ShortNumber(seconds.train));
  columns.Add("transfer", ShortNumber(seconds.transfer));
  columns.Add("aggregate", ShortNumber(seconds.aggregate));
  columns.Add("evaluate", ShortNumber(seconds.evaluate));
  columns.Add("commit", ShortNumber(seconds.commit));
  columns.Add("other", ShortNumber(seconds.other));
  columns.Add("total", ShortNumber(seconds.total));
}

Json RoundsJson(const std::vector<RoundView>& rounds, std::size_t from) {
  Columns columns;
  Columns seconds;
  Columns accuracy;
  Columns held_out;
  for (std::size_t i = from; i < rounds.size(); ++i) {
    const RoundView& row = rounds[i];
    columns.Add("round", row.round);
    columns.Add("attempts", row.attempts);
    columns.Add("time", Milliseconds(row.time));
    columns.Add("clients", row.contributors);
    columns.Add("rejected", row.rejected);
    columns.Add("ending", row.ending);
    columns.Add("learning_rate", ShortNumber(row.learning_rate));
    columns.Add("train_loss", ShortNumber(row.train_loss));
    columns.Add("delta_norm", ShortNumber(row.delta_norm));
    columns.Add("cosine", ShortNumber(row.cosine));
    columns.Add("bytes_up", row.bytes_up);
    columns.Add("bytes_down", row.bytes_down);
    AddSeconds(row.seconds, seconds);
    AddFairness(row.fairness, accuracy);
    AddFairness(row.held_out_fairness, held_out);
  }
  Json json = columns.Take();
  json["from"] = from;
  json["seconds"] = seconds.Take();
  json["accuracy"] = accuracy.Take();
  json["held_out"] = held_out.Take();
  return json;
}

Json AccuracyOf(const std::optional<BatchMetrics>& sums) {
  return sums.has_value() && sums->count > 0
             ? Json(ShortNumber(sums->accuracy()))
             : Json(nullptr);
}
Json LossOf(const std::optional<BatchMetrics>& sums) {
  return sums.has_value() && sums->count > 0 ? Json(ShortNumber(sums->loss()))
                                             : Json(nullptr);
}

void AddGroup(const GroupRow& row, Columns& columns) {
  columns.Add("influence", ShortNumber(row.influence));
  columns.Add("pixel_share", ShortNumber(row.pixel_share));
  columns.Add("client_share", ShortNumber(row.client_share));
  columns.Add("clients", row.clients);
  columns.Add("samples", row.samples);
  columns.Add("accuracy", AccuracyOf(row.evaluation));
  columns.Add("loss", LossOf(row.evaluation));
  columns.Add("prototype", AccuracyOf(row.prototypes));
  columns.Add("held_out", AccuracyOf(row.held_out));
  columns.Add("held_out_loss", LossOf(row.held_out));
}

// By group, each column as long as those of the rounds.
Json GroupsJson(const std::vector<RoundView>& rounds, std::size_t from) {
  std::map<int, Columns> groups;
  for (const RoundView& row : rounds) {
    for (const GroupRow& group : row.groups) groups.try_emplace(group.group);
  }
  Json json = Json::array();
  for (auto& [number, columns] : groups) {
    for (std::size_t i = from; i < rounds.size(); ++i) {
      const auto& rows = rounds[i].groups;
      const auto found =
          std::ranges::lower_bound(rows, number, {}, &GroupRow::group);
      const bool there = found != rows.end() && found->group == number;
      AddGroup(there ? *found : GroupRow{}, columns);
    }
    Json group = {{"group", number}};
    group.update(columns.Take());
    json.push_back(std::move(group));
  }
  return json;
}

Json EvaluationJson(const RunView& view) {
  if (!view.evaluation.has_value()) return nullptr;
  Json sizes = Json::array();
  for (const ServerEvaluation::Size& size : view.evaluation->sizes) {
    sizes.push_back({{"size", size.size},
                     {"group", size.group},
                     {"samples", size.sums.count},
                     {"accuracy", ShortNumber(size.sums.accuracy())},
                     {"loss", ShortNumber(size.sums.loss())},
                     {"prototype_correct", size.prototype_correct},
                     {"confusion", size.confusion}});
  }
  return {{"round", view.evaluated}, {"sizes", std::move(sizes)}};
}

Json HistoryJson(const ClientHistory& history) {
  Columns columns;
  for (const UpdatePoint& point : history.points()) {
    columns.Add("round", point.round);
    columns.Add("norm", ShortNumber(point.norm));
    columns.Add("cosine", ShortNumber(point.cosine));
    columns.Add("train", ShortNumber(point.train_seconds));
    columns.Add("arrived", ShortNumber(point.arrived_seconds));
    columns.Add("bytes", point.bytes);
    columns.Add("held_out", point.held_out_accuracy < 0
                                ? Json(nullptr)
                                : Json(ShortNumber(point.held_out_accuracy)));
  }
  Json json = columns.Take();
  json["stride"] = history.stride();
  return json;
}

Json ClientJson(const ClientView& client) {
  Json rejections = Json::array();
  for (const Rejection& rejection : client.rejections) {
    rejections.push_back({{"round", rejection.round},
                          {"time", Milliseconds(rejection.time)},
                          {"code", rejection.code},
                          {"reason", rejection.reason}});
  }
  return {{"name", client.name},
          {"software", client.software},
          {"peer", client.peer},
          {"samples", client.samples},
          {"min_pixels", client.min_pixels},
          {"max_pixels", client.max_pixels},
          {"connected", client.connected.has_value() ? Json(*client.connected)
                                                     : Json(nullptr)},
          {"left_reason", client.left_reason},
          {"last_seen", Milliseconds(client.last_seen)},
          {"groups", client.groups},
          {"accepted", client.accepted},
          {"rejected", client.rejected},
          {"bytes", client.bytes},
          {"influence", ShortNumber(client.influence)},
          {"rejections", std::move(rejections)},
          {"history", HistoryJson(client.history)}};
}

Json EventsJson(const RunViewBuilder& builder, std::uint64_t after) {
  Json rows = Json::array();
  for (const EventRow& row : builder.Events(after)) {
    rows.push_back({row.seq, Milliseconds(row.time), ToString(row.level),
                    row.type, row.round, row.client, row.text});
  }
  return {{"rows", std::move(rows)},
          {"seen", builder.events_seen()},
          {"kept", RunViewBuilder::kEventsKept}};
}

}  // namespace

double ShortNumber(double value) {
  if (!std::isfinite(value) || value == 0) return value;
  char text[32];
  const auto end = fmt::format_to_n(text, sizeof text - 1, "{:.6g}", value);
  *end.out = '\0';
  return std::strtod(text, nullptr);
}

std::string RunJson(const RunViewBuilder& builder, const ViewSource& source,
                    const PooledView* pooled, ViewPosition after) {
  const RunView& view = builder.view();
  const auto is_new = [&after](const auto& row) {
    return row.revision > after.revision;
  };
  const auto from = std::ranges::find_if(view.rounds, is_new);
  const auto index = static_cast<std::size_t>(from - view.rounds.begin());
  Json json;
  json["source"] = SourceJson(source);
  json["revision"] = view.revision;
  json["run"] = IdentityJson(view);
  json["state"] = StateJson(view);
  json["rounds"] = RoundsJson(view.rounds, index);
  json["groups"] = GroupsJson(view.rounds, index);
  json["evaluation"] = EvaluationJson(view);
  Json& clients = json["clients"] = Json::array();
  for (const ClientView& client : view.clients) {
    if (is_new(client)) clients.push_back(ClientJson(client));
  }
  json["events"] = EventsJson(builder, after.seq);
  json["pooled"] = pooled == nullptr ? Json(nullptr) : PooledJson(*pooled);
  return json.dump(-1, ' ', /*ensure_ascii=*/true,
                   Json::error_handler_t::replace);
}

std::string ForScript(std::string_view json) {
  constexpr std::string_view kEscaped = "\\u003c";
  std::string out;
  out.reserve(json.size());
  for (const char c : json) {
    if (c == '<') {
      out += kEscaped;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace fedgap
