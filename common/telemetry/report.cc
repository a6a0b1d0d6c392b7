#include "common/telemetry/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/base/file_io.h"
#include "common/crypto/sha256.h"

namespace fedgap {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kReportSchema = 1;

Json ToJsonValue(const FairnessSummary& fairness) {
  return {{"mean", fairness.mean},
          {"worst", fairness.worst},
          {"gap", fairness.gap},
          {"stddev", fairness.stddev},
          {"jain", fairness.jain}};
}

Json OrNull(const std::optional<double>& value) {
  return value.has_value() ? Json(*value) : Json();
}

// A group without evaluated images has no accuracy.
void AddSums(const BatchMetrics& sums, Json& out) {
  const bool any = sums.count > 0;
  out["accuracy"] = any ? Json(sums.accuracy()) : Json();
  out["loss"] = any ? Json(sums.loss()) : Json();
  out["test_samples"] = sums.count;
}

Json GroupsToJson(const std::vector<GroupReport>& groups, bool training) {
  Json rows = Json::array();
  for (const GroupReport& group : groups) {
    Json row = {{"group", group.label}};
    AddSums(group.sums, row);
    if (training) {
      row["influence"] = group.influence;
      row["pixel_influence"] = group.pixel_influence;
      row["samples"] = group.train_samples;
      row["prototype_accuracy"] = OrNull(group.prototype_accuracy);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Json SizesToJson(const std::vector<SizeReport>& sizes) {
  Json rows = Json::array();
  for (const SizeReport& size : sizes) {
    Json row = {{"size", size.size}, {"group", size.label}};
    AddSums(size.sums, row);
    row["prototype_accuracy"] = OrNull(size.prototype_accuracy);
    rows.push_back(std::move(row));
  }
  return rows;
}

Json ClientHeldOutToJson(const std::optional<ClientHeldOutReport>& held_out) {
  if (!held_out.has_value()) return {};
  Json out = {{"final_model", held_out->final_model}};
  out.update(ToJsonValue(held_out->fairness));
  out["groups"] = GroupsToJson(held_out->groups, /*training=*/false);
  return out;
}

Json OrNull(const std::optional<FairnessSummary>& summary) {
  return summary.has_value() ? ToJsonValue(*summary) : Json();
}

Json HistoryToJson(const std::vector<RoundReport>& history) {
  Json rows = Json::array();
  for (const RoundReport& round : history) {
    rows.push_back({{"round", round.round},
                    {"clients", round.clients},
                    {"seconds", round.seconds},
                    {"train_loss", round.train_loss},
                    {"accuracy", OrNull(round.accuracy)},
                    {"client_held_out", OrNull(round.client_held_out)}});
  }
  return rows;
}

// --- The table ------------------------------------------------------------

std::string Percent(double share) {
  return fmt::format("{:.1f} %", share * 100);
}

// 12,345,678.
std::string Grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0;
       at -= 3) {
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  }
  return digits;
}

using Row = std::vector<std::string>;

// The first column to the left, the others to the right.
std::string Align(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 0);
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    text += fmt::format("{:<{}}", row[0], widths[0]);
    for (std::size_t i = 1; i < row.size(); ++i) {
      text += fmt::format("  {:>{}}", row[i], widths[i]);
    }
    text += '\n';
  }
  return text;
}

std::string GroupTable(const std::vector<GroupReport>& groups, bool training) {
  const bool prototypes = std::ranges::any_of(groups, [](const auto& group) {
    return group.prototype_accuracy.has_value();
  });
  std::vector<Row> rows = {{"resolution", "accuracy"}};
  if (prototypes) rows[0].push_back("prototype");
  rows[0].push_back("loss");
  if (training) rows[0].insert(rows[0].end(), {"influence", "samples"});
  rows[0].push_back("test images");
  for (const GroupReport& group : groups) {
    const bool any = group.sums.count > 0;
    Row row = {group.label == "all" ? "all" : group.label + " px",
               any ? Percent(group.sums.accuracy()) : "-"};
    if (prototypes) {
      row.push_back(group.prototype_accuracy.has_value()
                        ? Percent(*group.prototype_accuracy)
                        : "-");
    }
    row.push_back(any ? fmt::format("{:.3f}", group.sums.loss()) : "-");
    if (training) {
      row.push_back(Percent(group.influence));
      row.push_back(Grouped(group.train_samples));
    }
    row.push_back(any ? Grouped(group.sums.count) : "-");
    rows.push_back(std::move(row));
  }
  return Align(rows);
}

std::string FairnessLine(const FairnessSummary& fairness) {
  return fmt::format(
      "mean {:.1f} %   worst {:.1f} %   gap {:.1f}   stddev {:.1f}   "
      "Jain {:.4f}\n",
      fairness.mean * 100, fairness.worst * 100, fairness.gap * 100,
      fairness.stddev * 100, fairness.jain);
}

}  // namespace

std::string ToJson(const RunReport& report) {
  Json accuracy = {
      {"from", report.accuracy_from},
      {"round",
       report.accuracy_from == "none" ? Json() : Json(report.accuracy_round)}};
  accuracy.update(ToJsonValue(report.accuracy));
  accuracy["groups"] = GroupsToJson(report.groups, /*training=*/true);
  accuracy["sizes"] = SizesToJson(report.sizes);
  accuracy["client_held_out"] = ClientHeldOutToJson(report.client_held_out);
  const Json json = {
      {"schema", kReportSchema},
      {"run", report.run.value},
      {"name", report.name},
      {"reason", report.reason},
      {"model", report.model},
      {"parameters", report.parameters},
      {"model_sha256", ToHex(report.model_sha256.digest)},
      {"seed", report.seed},
      {"rounds", report.rounds},
      {"seconds", report.seconds},
      {"virtual_seconds", report.virtual_seconds},
      {"bytes", {{"up", report.bytes_up}, {"down", report.bytes_down}}},
      {"determinism", report.reproducible ? "reproducible" : "replayable"},
      {"determinism_reason", report.determinism_reason},
      {"accuracy", std::move(accuracy)},
      {"clients", report.clients},
      {"accepted_updates", report.accepted_updates},
      {"rejected_updates", report.rejected_updates},
      {"aborted_rounds", report.aborted_rounds},
      {"config_sha256", report.config_sha256},
      {"software", report.software},
      {"starts", report.starts},
      {"history", HistoryToJson(report.history)},
  };
  return json.dump(2, ' ', /*ensure_ascii=*/false,
                   Json::error_handler_t::replace) +
         "\n";
}

Status WriteReport(const RunReport& report, const std::filesystem::path& path) {
  return WriteFileAtomic(path, ToJson(report));
}

std::string ToTable(const std::vector<GroupReport>& groups,
                    const FairnessSummary& fairness) {
  return GroupTable(groups, /*training=*/false) + FairnessLine(fairness);
}

std::string ToTable(const RunReport& report) {
  std::string text;
  if (!report.groups.empty()) {
    text += GroupTable(report.groups, /*training=*/true);
    if (report.accuracy_from == "clients") {
      text += "accuracy on the clients' held-out parts\n";
    }
  }
  if (report.accuracy_from != "none") {
    text += FairnessLine(report.accuracy);
    if (report.accuracy_round != report.rounds) {
      text += fmt::format("measured after round {}, not on the last model\n",
                          report.accuracy_round);
    }
  }
  text += fmt::format(
      "{} round{} in {:.1f} s, {} client{}, {:.1f} MB up, {:.1f} MB down; {}\n",
      report.rounds, report.rounds == 1 ? "" : "s", report.seconds,
      report.clients, report.clients == 1 ? "" : "s",
      static_cast<double>(report.bytes_up) / 1e6,
      static_cast<double>(report.bytes_down) / 1e6, report.reason);
  text +=
      fmt::format("model_sha256 {} ({})\n", ToHex(report.model_sha256.digest),
                  report.reproducible ? "reproducible" : "replayable");
  if (!report.reproducible) {
    text += fmt::format("replayable only: {}\n", report.determinism_reason);
  }
  return text;
}

}  // namespace fedgap
