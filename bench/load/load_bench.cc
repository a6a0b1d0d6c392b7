// One real server under many connected clients, over loopback: no training, the
// whole protocol, every digest, every commit's fsync.
//
//   load_bench [--clients 1000] [--cohort 200] [--rounds 100]
//              [--parameters 100000] [--plain] [--rivals] [--json FILE]
//
// A row: system "fedgap", clients, cohort, rounds, parameters, tls,
// round_ms_median, round_ms_p99 (of the server's events), of the median what
// went to collecting, aggregating and committing, server_cpu_s_per_round,
// server_rss_mb (peak), server_idle_kb_per_client (once all are connected, less
// the server alone), rss_slope_kb_per_round (least squares over the last four
// fifths), updates expected and accepted, lost, doubled, disconnections,
// wire_per_payload.
//
// With --rivals two more rows follow, of the cohort's clients: "bare gRPC"
// (bare_grpc.h: the bytes alone, with TLS where ours has it) and
// "Flower-shaped" (flower_shaped.py, without TLS).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/load/bare_grpc.h"
#include "bench/load/logical_clients.h"
#include "bench/load/server_process.h"
#include "common/base/check.h"
#include "common/base/file_io.h"
#include "common/crypto/certificate_authority.h"
#include "common/crypto/tls_files.h"
#include "common/nn/model.h"
#include "common/nn/model_spec.h"
#include "common/rpc/grpc_log.h"
#include "common/telemetry/event_reader.h"
#include "tests/testing/temp_dir.h"

namespace fedgap::bench {
namespace {

namespace fs = std::filesystem;

struct Settings {
  int clients = 1000;
  int cohort = 200;
  int rounds = 100;
  std::int64_t parameters = 100'000;
  bool plain = false;
  bool rivals = false;
  std::string json;
};

struct Row {
  int clients = 0;
  int cohort = 0;
  int rounds = 0;
  std::int64_t parameters = 0;
  bool tls = true;
  double round_ms_median = 0;
  double round_ms_p99 = 0;
  double collect_ms_median = 0;
  double aggregate_ms_median = 0;
  double commit_ms_median = 0;
  double server_cpu_s_per_round = 0;
  double server_rss_mb = 0;
  double server_idle_kb_per_client = 0;
  double rss_slope_kb_per_round = 0;
  std::int64_t expected = 0;
  std::int64_t accepted = 0;
  std::int64_t lost = 0;
  std::int64_t doubled = 0;
  std::int64_t disconnections = 0;
  double wire_per_payload = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Row, clients, cohort, rounds, parameters,
                                   tls, round_ms_median, round_ms_p99,
                                   collect_ms_median, aggregate_ms_median,
                                   commit_ms_median, server_cpu_s_per_round,
                                   server_rss_mb, server_idle_kb_per_client,
                                   rss_slope_kb_per_round, expected, accepted,
                                   lost, doubled, disconnections,
                                   wire_per_payload)

double MedianOf(std::vector<double> values) {
  std::ranges::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

double Percentile99(std::vector<double> values) {
  std::ranges::sort(values);
  return values.empty() ? 0
                        : values[static_cast<std::size_t>(
                              0.99 * static_cast<double>(values.size() - 1))];
}

fs::path BuildDirectory() {
  return fs::read_symlink("/proc/self/exe")
      .parent_path()
      .parent_path()
      .parent_path();
}

// gap-cnn-s has 90 w^2 + O(w) parameters at width w.
int WidthFor(std::int64_t parameters) {
  return std::max(4, static_cast<int>(std::lround(
                         std::sqrt(static_cast<double>(parameters) / 90))));
}

std::string Config(const Settings& settings) {
  return fmt::format(R"([run]
name = "load"
seed = 1
rounds = {}
[model]
name = "gap-cnn-s"
width = {}
[cohort]
size = {}
min_clients = {}
quorum = 1.0
deadline_seconds = 0
wait_seconds = 120
[evaluation]
pooled = "off"
)",
                     settings.rounds, WidthFor(settings.parameters),
                     settings.cohort, settings.clients);
}

class Load {
 public:
  Load(const Settings& settings, fs::path directory)
      : settings_(settings), directory_(std::move(directory)) {}

  StatusOr<Row> Run();
  // After Run, whose certificates they use.
  StatusOr<nlohmann::json> RunBare(const Row& ours) const;
  static StatusOr<nlohmann::json> RunFlowerShaped(const Row& ours);

 private:
  struct Sample {
    Round round = 0;
    double rss_mb = 0;
  };

  Status MakeBundles();
  StatusOr<std::uint16_t> StartServer();
  std::vector<GrpcFederationApi::Options> ClientOptions(
      std::uint16_t port) const;
  Status ReadEvents(Row& row) const;
  double Slope() const;

  const Settings& settings_;
  const fs::path directory_;
  std::vector<TlsFiles> bundles_;
  std::unique_ptr<ServerProcess> server_;
  Mutex mutex_;
  std::vector<Sample> samples_;
};

std::string NameOf(int client) { return fmt::format("c{:05}", client); }

Status Load::MakeBundles() {
  const Clock::WallTime now = SystemClock().WallNow();
  FEDGAP_ASSIGN_OR_RETURN(
      const CertificateAuthority authority,
      CertificateAuthority::Init({.federation = "load"}, now));
  const auto write = [&](const IssueOptions& options) -> StatusOr<TlsFiles> {
    FEDGAP_ASSIGN_OR_RETURN(const Credentials credentials,
                            authority.Issue(options, now));
    const fs::path bundle = directory_ / options.name;
    fs::create_directory(bundle);
    TlsFiles files = TlsFilesIn(bundle);
    FEDGAP_RETURN_IF_ERROR(
        WriteTlsFiles(files, credentials, authority.certificate()));
    return files;
  };
  FEDGAP_RETURN_IF_ERROR(write({.role = Role::kServer,
                                .name = "server",
                                .dns_names = {"localhost"},
                                .ip_addresses = {"127.0.0.1"}})
                             .status());
  for (int i = 0; i < settings_.clients; ++i) {
    FEDGAP_ASSIGN_OR_RETURN(bundles_.emplace_back(),
                            write({.name = NameOf(i)}));
  }
  return absl::OkStatus();
}

StatusOr<std::uint16_t> Load::StartServer() {
  const fs::path port_file = directory_ / "port";
  FEDGAP_RETURN_IF_ERROR(
      WriteFileAtomic(directory_ / "server.toml", Config(settings_)));
  const fs::path program = BuildDirectory() / "bin/fedgap-server";
  std::vector<std::string> words = {program.string(),
                                    "--config",
                                    (directory_ / "server.toml").string(),
                                    "--run-dir",
                                    (directory_ / "run").string(),
                                    "--listen",
                                    "127.0.0.1:0",
                                    "--port-file",
                                    port_file.string()};
  if (settings_.plain) {
    words.emplace_back("--insecure");
  } else {
    words.emplace_back("--certs");
    words.push_back((directory_ / "server").string());
  }
  FEDGAP_ASSIGN_OR_RETURN(
      server_, ServerProcess::Start(std::move(words), directory_ / "log"));
  for (int i = 0; i < 500; ++i) {
    const StatusOr<std::string> port = ReadFileText(port_file);
    if (port.ok()) return static_cast<std::uint16_t>(std::stoi(*port));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return absl::UnavailableError("the server does not listen: " +
                                ReadFileText(directory_ / "log").value_or(""));
}

std::vector<GrpcFederationApi::Options> Load::ClientOptions(
    std::uint16_t port) const {
  std::vector<GrpcFederationApi::Options> all;
  for (int i = 0; i < settings_.clients; ++i) {
    GrpcFederationApi::Options options;
    options.server = {"127.0.0.1", port};
    if (settings_.plain) {
      options.insecure_name = {NameOf(i)};
    } else {
      options.tls = bundles_[static_cast<std::size_t>(i)];
    }
    // A thousand at once stand in line.
    options.call_timeout = std::chrono::minutes(5);
    all.push_back(std::move(options));
  }
  return all;
}

// Least squares, over the last four fifths of the rounds.
double Load::Slope() const {
  double n = 0, x = 0, y = 0, xx = 0, xy = 0;
  for (const Sample& sample : samples_) {
    if (sample.round * 5 < settings_.rounds) continue;
    const auto round = static_cast<double>(sample.round);
    n += 1;
    x += round;
    y += sample.rss_mb;
    xx += round * round;
    xy += round * sample.rss_mb;
  }
  const double spread = n * xx - x * x;
  return spread > 0 ? 1024 * (n * xy - x * y) / spread : 0;
}

Status Load::ReadEvents(Row& row) const {
  std::vector<double> milliseconds, collect, aggregate, commit;
  std::int64_t up = 0;
  std::int64_t contributions = 0;
  FEDGAP_RETURN_IF_ERROR(fedgap::ReadEvents(
      directory_ / "run/events", [&](const LoggedEvent& logged) {
        const auto* round = std::get_if<RoundCommittedEvent>(&logged.event);
        if (round == nullptr) return;
        milliseconds.push_back(round->seconds.total * 1e3);
        collect.push_back(round->seconds.collect * 1e3);
        aggregate.push_back(round->seconds.aggregate * 1e3);
        commit.push_back(round->seconds.commit * 1e3);
        const std::set<ClientName> once(round->contributors.begin(),
                                        round->contributors.end());
        contributions += std::ssize(once);
        row.doubled += std::ssize(round->contributors) - std::ssize(once);
        up += round->bytes_up;
      }));
  row.rounds = static_cast<int>(milliseconds.size());
  if (milliseconds.empty()) return absl::UnavailableError("no round committed");
  row.round_ms_median = MedianOf(milliseconds);
  row.round_ms_p99 = Percentile99(milliseconds);
  row.collect_ms_median = MedianOf(collect);
  row.aggregate_ms_median = MedianOf(aggregate);
  row.commit_ms_median = MedianOf(commit);
  row.expected = std::int64_t{settings_.rounds} * settings_.cohort;
  row.lost = row.expected - contributions;
  row.wire_per_payload = static_cast<double>(up) /
                         (static_cast<double>(contributions) *
                          static_cast<double>(row.parameters) * sizeof(float));
  return absl::OkStatus();
}

StatusOr<Row> Load::Run() {
  Row row;
  row.clients = settings_.clients;
  row.cohort = settings_.cohort;
  row.tls = !settings_.plain;
  const ModelSpec spec =
      BuiltInModel("gap-cnn-s", {.width = WidthFor(settings_.parameters)})
          .value();
  row.parameters =
      Model::Create(spec).value()->layout().federated_range().size();
  if (!settings_.plain) FEDGAP_RETURN_IF_ERROR(MakeBundles());
  FEDGAP_ASSIGN_OR_RETURN(const std::uint16_t port, StartServer());
  const double alone_mb = server_->ResidentMb();
  double connected_mb = 0;
  double cpu_before = 0;
  double cpu_after = 0;
  LogicalClients clients(ClientOptions(port), [&](Round round) {
    MutexLock lock(mutex_);
    if (round == 1) {
      connected_mb = server_->ResidentMb();
      cpu_before = server_->CpuSeconds();
    }
    if (round == settings_.rounds) {
      cpu_after = server_->CpuSeconds();
      row.server_rss_mb = server_->PeakResidentMb();
    }
    samples_.push_back({round, server_->ResidentMb()});
  });
  const LogicalClients::Counts counts = clients.Wait();
  const int code = server_->Wait();
  if (code != 0) {
    return absl::UnavailableError(
        fmt::format("the server ended with {}: {}", code,
                    ReadFileText(directory_ / "log").value_or("")));
  }
  FEDGAP_RETURN_IF_ERROR(ReadEvents(row));
  row.server_idle_kb_per_client =
      (connected_mb - alone_mb) * 1024 / settings_.clients;
  row.server_cpu_s_per_round =
      (cpu_after - cpu_before) / std::max(1, settings_.rounds - 1);
  row.rss_slope_kb_per_round = Slope();
  row.accepted = counts.accepted;
  row.disconnections = counts.disconnected;
  return row;
}

nlohmann::json RivalRow(const char* system, const Row& ours, bool tls) {
  return {{"system", system},
          {"clients", ours.cohort},
          {"cohort", ours.cohort},
          {"rounds", ours.rounds},
          {"parameters", ours.parameters},
          {"tls", tls}};
}

StatusOr<nlohmann::json> Load::RunBare(const Row& ours) const {
  BareRounds work;
  work.clients = ours.cohort;
  work.rounds = ours.rounds;
  work.bytes = ours.parameters * static_cast<std::int64_t>(sizeof(float));
  if (ours.tls) {
    work.server_tls = TlsFilesIn(directory_ / "server");
    work.client_tls = bundles_;
  }
  FEDGAP_ASSIGN_OR_RETURN(const auto milliseconds, RunBareRounds(work));
  nlohmann::json row = RivalRow("bare gRPC", ours, ours.tls);
  row["round_ms_median"] = MedianOf(milliseconds);
  row["round_ms_p99"] = Percentile99(milliseconds);
  return row;
}

StatusOr<nlohmann::json> Load::RunFlowerShaped(const Row& ours) {
  const std::string command = fmt::format(
      "/usr/bin/python3 '{}' --clients {} --rounds {} --parameters {}",
      (BuildDirectory() / "bench/load/flower_shaped.py").string(), ours.cohort,
      ours.rounds, ours.parameters);
  FILE* const pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return absl::UnavailableError("cannot start python3");
  std::string text;
  std::array<char, 4096> part;
  while (std::size_t size = std::fread(part.data(), 1, part.size(), pipe)) {
    text.append(part.data(), size);
  }
  const int code = ::pclose(pipe);
  const nlohmann::json found =
      nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (code != 0 || !found.is_object()) {
    return absl::UnavailableError(fmt::format(
        "{} ended with {}; is python3-grpcio installed?", command, code));
  }
  nlohmann::json row = RivalRow("Flower-shaped", ours, /*tls=*/false);
  row.update(found);
  return row;
}

int Main(int argc, char** argv) {
  Settings settings;
  CLI::App app("One server under many connected clients, without training.");
  app.add_option("--clients", settings.clients, "Connected, all the time")
      ->check(CLI::Range(1, 20000))
      ->capture_default_str();
  app.add_option("--cohort", settings.cohort, "Asked in a round")
      ->check(CLI::Range(1, 20000))
      ->capture_default_str();
  app.add_option("--rounds", settings.rounds)
      ->check(CLI::Range(2, 1000000))
      ->capture_default_str();
  app.add_option("--parameters", settings.parameters, "Of the model, about")
      ->check(CLI::Range(std::int64_t{2000}, std::int64_t{1} << 30))
      ->capture_default_str();
  app.add_flag("--plain", settings.plain, "Without TLS");
  app.add_flag("--rivals", settings.rivals,
               "Then bare gRPC and a Flower-shaped server, in the same run");
  app.add_option("--json", settings.json, "Write the rows to this file");
  CLI11_PARSE(app, argc, argv);
  QuietGrpc();
  const TempDir directory;
  Load load(settings, directory.path());
  const StatusOr<Row> row = load.Run();
  if (!row.ok()) {
    fmt::print(stderr, "load_bench: {}\n", MessageOf(row.status()));
    return 1;
  }
  nlohmann::json rows = {*row};
  rows[0]["system"] = "fedgap";
  if (settings.rivals) {
    for (const auto& rival :
         {load.RunBare(*row), Load::RunFlowerShaped(*row)}) {
      if (rival.ok()) {
        rows.push_back(*rival);
      } else {
        fmt::print(stderr, "load_bench: {}\n", MessageOf(rival.status()));
      }
    }
  }
  fmt::print("{}\n", rows.dump(1));
  if (!settings.json.empty()) std::ofstream(settings.json) << rows.dump(1);
  return row->lost == 0 && row->doubled == 0 ? 0 : 1;
}

}  // namespace
}  // namespace fedgap::bench

int main(int argc, char** argv) { return fedgap::bench::Main(argc, argv); }
