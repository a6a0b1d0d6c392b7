// What every run ends with: RUN/report.json and the table on the terminal.
// docs/REPORT.md has the JSON form.
#ifndef FEDGAP_COMMON_TELEMETRY_REPORT_H_
#define FEDGAP_COMMON_TELEMETRY_REPORT_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/ids.h"
#include "common/federation/metrics.h"

namespace fedgap {

// One resolution group.
struct GroupReport {
  int group = 0;
  std::string label;  // "16-24"
  BatchMetrics sums;  // of the evaluation that `accuracy` is from
  // Nearest-prototype accuracy on the same images; absent without prototypes.
  std::optional<double> prototype_accuracy;
  // Mean share of the aggregation weight over the committed rounds, and what
  // weighting by pixels would have given.
  double influence = 0;
  double pixel_influence = 0;
  // That clients hold, by their last updates (of more than 10,000 simulated
  // ones: those of the last cohort).
  std::int64_t train_samples = 0;
};

// One evaluation size of the server's held-out set.
struct SizeReport {
  std::string size;  // "28x28"; "native" where images keep their own
  int group = 0;
  std::string label;
  BatchMetrics sums;
  std::optional<double> prototype_accuracy;
};

// The clients' own held-out parts.
struct ClientHeldOutReport {
  bool final_model = false;  // else: of the model before the last round
  FairnessSummary fairness;
  std::vector<GroupReport> groups;  // influence and train_samples unset
};

// One committed round.
struct RoundReport {
  Round round = 0;
  int clients = 0;
  double seconds = 0;
  double train_loss = 0;
  std::optional<FairnessSummary> accuracy;  // where it was evaluated
  // Of the same model on the clients' own held-out parts: those of the clients
  // that took part in the next round, or in the look at the final model.
  std::optional<FairnessSummary> client_held_out;
};

struct RunReport {
  RunId run;
  std::string name;
  std::string reason;  // how it finished; "running" while it has not
  std::string model;
  std::int64_t parameters = 0;
  ModelId model_sha256;
  std::uint64_t seed = 0;
  Round rounds = 0;  // committed
  double seconds = 0;
  // Of simulated clients with behaviour, every attempt at a round; else 0.
  double virtual_seconds = 0;
  std::int64_t bytes_up = 0;
  std::int64_t bytes_down = 0;

  // Whether another run of this configuration with these clients ends in the
  // same bits, or only a replay of this one does; and why.
  bool reproducible = true;
  std::string determinism_reason;

  // "server": the server's held-out set; "clients": the clients' held-out
  // parts; "none".
  std::string accuracy_from = "none";
  // After which round the model was measured: `rounds`, or an earlier one
  // where the last model was not looked at.
  Round accuracy_round = 0;
  FairnessSummary accuracy;
  std::vector<GroupReport> groups;
  std::vector<SizeReport> sizes;
  std::optional<ClientHeldOutReport> client_held_out;

  int clients = 0;  // that ever joined, or are simulated
  std::int64_t accepted_updates = 0;
  std::int64_t rejected_updates = 0;
  std::int64_t aborted_rounds = 0;
  std::string config_sha256;
  std::string software;
  int starts = 0;  // of the server: 1 unless it was restarted
  std::vector<RoundReport> history;
};

// Indented JSON, with a line feed at the end.
std::string ToJson(const RunReport& report);
// To `path`, atomically. Codes of WriteFileAtomic.
Status WriteReport(const RunReport& report, const std::filesystem::path& path);

// The table that a person reads: a line per resolution group, then the
// summary. ASCII, aligned, at most 100 columns for labels of ordinary length.
std::string ToTable(const RunReport& report);

// The same table for groups alone (fedgap evaluate): without influence and
// training samples.
std::string ToTable(const std::vector<GroupReport>& groups,
                    const FairnessSummary& fairness);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_REPORT_H_
