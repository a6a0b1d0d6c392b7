#include "dashboard/model/view_json.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/printable_text.h"
#include "dashboard/model/pooled_json.h"

namespace fedgap {
namespace {

using Json = nlohmann::ordered_json;

// JSON of ASCII alone, with U+FFFD for every escaped control character: what
// makes a terminal or a line something else than it says. Line feeds and tabs
// are escaped otherwise.
std::string WithoutControlEscapes(std::string json) {
  constexpr std::size_t kDigits = 4;
  for (auto at = json.find('\\'); at != json.npos;
       at = json.find('\\', at + 2)) {
    if (json[at + 1] != 'u') continue;
    char* digits = json.data() + at + 2;
    std::uint32_t point = 0;
    std::from_chars(digits, digits + kDigits, point, 16);
    if (IsControlCharacter(point)) std::copy_n("fffd", kDigits, digits);
  }
  return json;
}

// Names come from outside.
std::string Dump(const Json& json) {
  return WithoutControlEscapes(json.dump(-1, ' ', /*ensure_ascii=*/true,
                                         Json::error_handler_t::replace));
}

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

const char* PhaseOf(const RunView& view, bool is_left) {
  if (view.revision == 0) return "empty";
  if (view.finished.has_value()) {
    return WasInterrupted(view.finished->reason) ? "interrupted" : "finished";
  }
  if (is_left) return "interrupted";
  if (view.open.round > 0) return "running";
  if (view.paused) return "paused";
  return view.rounds.empty() ? "waiting" : "between rounds";
}

Json StateJson(const RunView& view, bool is_left) {
  const auto eta = is_left ? std::nullopt : view.EtaSeconds();
  return {{"phase", PhaseOf(view, is_left)},
          {"reason", view.finished.has_value() ? view.finished->reason
                     : is_left ? "no program holds its directory"
                               : ""},
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

std::optional<double> Of(const std::optional<FairnessSummary>& fairness,
                         double FairnessSummary::*field) {
  if (!fairness.has_value()) return std::nullopt;
  return (*fairness).*field;
}

// Columns, so that no name is repeated ten thousand times. Their text is made
// as they come: a long run has millions of numbers, and a tree of them would
// take longer than reading its log.
class Columns {
 public:
  // To the column `name`, which must outlive this.
  void Add(std::string_view name, std::int64_t value) {
    fmt::format_to(std::back_inserter(Next(name)), FMT_COMPILE("{}"), value);
  }
  void Add(std::string_view name, int value) { Add(name, std::int64_t{value}); }
  void Add(std::string_view name, std::optional<double> value) {
    AppendNumber(value.value_or(NAN), Next(name));
  }
  void Add(std::string_view name, double value) {
    AppendNumber(value, Next(name));
  }
  void Add(std::string_view name, const std::string& value) {
    Next(name) += Dump(value);
  }
  // A column or an object that is made already.
  void AddText(std::string_view name, std::string text) {
    columns_.push_back({name, std::move(text)});
  }
  // Each column as a field of an object, without the object's braces.
  std::string Fields() const {
    std::string text;
    for (const auto& [name, values] : columns_) {
      if (!text.empty()) text += ',';
      const bool is_whole = !values.starts_with(',');
      text += fmt::format("\"{}\":", name);
      text += is_whole ? values : fmt::format("[{}]", values.substr(1));
    }
    return text;
  }
  std::string Object() const { return fmt::format("{{{}}}", Fields()); }

 private:
  static void AppendNumber(double value, std::string& out) {
    if (std::isfinite(value)) {
      fmt::format_to(std::back_inserter(out), FMT_COMPILE("{:.6g}"), value);
    } else {
      out += "null";
    }
  }
  // The end of the column, behind a comma. Rows name their columns in the same
  // order.
  std::string& Next(std::string_view name) {
    if (next_ >= columns_.size()) next_ = 0;
    if (next_ >= columns_.size() || columns_[next_].name != name) {
      const auto found = std::ranges::find(columns_, name, &Column::name);
      next_ = static_cast<std::size_t>(found - columns_.begin());
      if (found == columns_.end()) columns_.push_back({name, ""});
    }
    return columns_[next_++].values += ',';
  }

  struct Column {
    std::string_view name;
    std::string values;
  };
  std::vector<Column> columns_;
  std::size_t next_ = 0;
};

void AddFairness(const std::optional<FairnessSummary>& fairness,
                 Columns& columns) {
  columns.Add("mean", Of(fairness, &FairnessSummary::mean));
  columns.Add("worst", Of(fairness, &FairnessSummary::worst));
  columns.Add("gap", Of(fairness, &FairnessSummary::gap));
  columns.Add("stddev", Of(fairness, &FairnessSummary::stddev));
  columns.Add("jain", Of(fairness, &FairnessSummary::jain));
}

void AddSeconds(const RoundSeconds& seconds, Columns& columns) {
  columns.Add("wait", seconds.wait);
  columns.Add("train", seconds.train);
  columns.Add("transfer", seconds.transfer);
  columns.Add("aggregate", seconds.aggregate);
  columns.Add("evaluate", seconds.evaluate);
  columns.Add("commit", seconds.commit);
  columns.Add("other", seconds.other);
  columns.Add("total", seconds.total);
}

std::string RoundsJson(const std::vector<RoundView>& rounds, std::size_t from) {
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
    columns.Add("learning_rate", row.learning_rate);
    columns.Add("train_loss", row.train_loss);
    columns.Add("delta_norm", row.delta_norm);
    columns.Add("cosine", row.cosine);
    columns.Add("bytes_up", row.bytes_up);
    columns.Add("bytes_down", row.bytes_down);
    AddSeconds(row.seconds, seconds);
    AddFairness(row.fairness, accuracy);
    AddFairness(row.held_out_fairness, held_out);
  }
  columns.AddText("from", fmt::format("{}", from));
  columns.AddText("seconds", seconds.Object());
  columns.AddText("accuracy", accuracy.Object());
  columns.AddText("held_out", held_out.Object());
  return columns.Object();
}

std::optional<double> AccuracyOf(const std::optional<BatchMetrics>& sums) {
  if (!sums.has_value() || sums->count <= 0) return std::nullopt;
  return sums->accuracy();
}
std::optional<double> LossOf(const std::optional<BatchMetrics>& sums) {
  if (!sums.has_value() || sums->count <= 0) return std::nullopt;
  return sums->loss();
}

void AddGroup(const GroupRow& row, Columns& columns) {
  columns.Add("influence", row.influence);
  columns.Add("pixel_share", row.pixel_share);
  columns.Add("client_share", row.client_share);
  columns.Add("clients", row.clients);
  columns.Add("samples", row.samples);
  columns.Add("accuracy", AccuracyOf(row.evaluation));
  columns.Add("loss", LossOf(row.evaluation));
  columns.Add("prototype", AccuracyOf(row.prototypes));
  columns.Add("held_out", AccuracyOf(row.held_out));
  columns.Add("held_out_loss", LossOf(row.held_out));
}

// By group, each column as long as those of the rounds.
std::string GroupsJson(const std::vector<RoundView>& rounds, std::size_t from) {
  std::map<int, Columns> groups;
  for (const RoundView& row : rounds) {
    for (const GroupRow& group : row.groups) groups.try_emplace(group.group);
  }
  std::string json;
  for (auto& [number, columns] : groups) {
    columns.AddText("group", fmt::format("{}", number));
    for (std::size_t i = from; i < rounds.size(); ++i) {
      const auto& rows = rounds[i].groups;
      const auto found =
          std::ranges::lower_bound(rows, number, {}, &GroupRow::group);
      const bool there = found != rows.end() && found->group == number;
      AddGroup(there ? *found : GroupRow{}, columns);
    }
    if (!json.empty()) json += ',';
    json += columns.Object();
  }
  return fmt::format("[{}]", json);
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

// What has come since the view's revision `after`.
std::string HistoryJson(const ClientHistory& history, std::uint64_t after) {
  Columns columns;
  const std::size_t from = history.CountUpTo(after);
  for (const UpdatePoint& point : std::span(history.points()).subspan(from)) {
    columns.Add("round", point.round);
    columns.Add("norm", point.norm);
    columns.Add("cosine", point.cosine);
    columns.Add("train", point.train_seconds);
    columns.Add("arrived", point.arrived_seconds);
    columns.Add("bytes", point.bytes);
    columns.Add("held_out", point.held_out_accuracy < 0
                                ? std::nullopt
                                : std::optional(point.held_out_accuracy));
  }
  columns.AddText("from", fmt::format("{}", from));
  columns.AddText("stride", fmt::format("{}", history.stride()));
  return columns.Object();
}

std::string ClientJson(const ClientView& client, std::uint64_t after) {
  Json rejections = Json::array();
  for (const Rejection& rejection : client.rejections) {
    rejections.push_back({{"round", rejection.round},
                          {"time", Milliseconds(rejection.time)},
                          {"code", rejection.code},
                          {"reason", rejection.reason}});
  }
  const Json known = {
      {"name", client.name},
      {"software", client.software},
      {"peer", client.peer},
      {"samples", client.samples},
      {"min_pixels", client.min_pixels},
      {"max_pixels", client.max_pixels},
      {"connected",
       client.connected.has_value() ? Json(*client.connected) : Json(nullptr)},
      {"left_reason", client.left_reason},
      {"last_seen", Milliseconds(client.last_seen)},
      {"groups", client.groups},
      {"accepted", client.accepted},
      {"rejected", client.rejected},
      {"bytes", client.bytes},
      {"influence", ShortNumber(client.influence)},
      {"rejections", std::move(rejections)}};
  std::string json = Dump(known);
  json.pop_back();
  return fmt::format("{},\"history\":{}}}", json,
                     HistoryJson(client.history, after));
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
  std::string clients;
  for (const ClientView& client : view.clients) {
    if (!is_new(client)) continue;
    if (!clients.empty()) clients += ',';
    clients += ClientJson(client, after.revision);
  }
  return fmt::format(
      "{{\"source\":{},\"revision\":{},\"run\":{},\"state\":{},\"rounds\":{},"
      "\"groups\":{},\"evaluation\":{},\"clients\":[{}],\"events\":{},"
      "\"pooled\":{}}}",
      Dump(SourceJson(source)), view.revision, Dump(IdentityJson(view)),
      Dump(StateJson(view, source.is_left)), RoundsJson(view.rounds, index),
      GroupsJson(view.rounds, index), Dump(EvaluationJson(view)), clients,
      Dump(EventsJson(builder, after.seq)),
      pooled == nullptr ? "null" : Dump(PooledJson(*pooled)));
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
