#include "server/server_program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "common/base/clock.h"
#include "common/base/descriptor_limit.h"
#include "common/base/file_io.h"
#include "common/base/signal_waiter.h"
#include "common/config/run_config_toml.h"
#include "common/crypto/identity.h"
#include "common/crypto/tls_files.h"
#include "common/nn/other_bits.h"
#include "common/rpc/grpc_log.h"
#include "common/rpc/health.h"
#include "common/rpc/server_address.h"
#include "common/telemetry/events.h"
#include "common/telemetry/human_log.h"
#include "dashboard/http/dashboard_access.h"
#include "dashboard/http/dashboard_server.h"
#include "server/core/coordinator.h"
#include "server/core/driver.h"
#include "server/evaluation/define_run.h"
#include "server/metrics/run_metrics.h"
#include "server/rpc/grpc_server.h"
#include "server/store/recorded_run.h"

namespace fedgap {
namespace {

// How long calls may go on once the run is over.
constexpr std::chrono::seconds kShutdownGrace{5};
// How long the server stays for clients that were lost before they heard that
// the run is over: several attempts of theirs to come back.
constexpr std::chrono::seconds kLastWordPatience{10};

// While it lives, the log says which connections failed.
class TlsFailuresInLog {
 public:
  explicit TlsFailuresInLog(HumanLog& log) {
    QuietGrpc([&log](const std::string& line) { log.Warning(line); });
  }
  ~TlsFailuresInLog() { QuietGrpc(); }
  TlsFailuresInLog(const TlsFailuresInLog&) = delete;
  TlsFailuresInLog& operator=(const TlsFailuresInLog&) = delete;
};

// Said at every level of the log but `off`.
constexpr char kInsecure[] =
    "INSECURE: no encryption; whoever reaches this port may read and change "
    "everything, and clients are who they say";

// What the settings say about listening; nothing of it is done yet.
StatusOr<GrpcServer::Options> ListenOptions(const ServerSettings& settings,
                                            HumanLog& log) {
  GrpcServer::Options options;
  FEDGAP_ASSIGN_OR_RETURN(options.listen, ParseServerAddress(settings.listen));
  if (settings.access.insecure) {
    log.Error(kInsecure);
  } else if (settings.access.certs.empty()) {
    return absl::InvalidArgumentError(
        "no certificate: give --certs DIR with the bundle that `fedgap certs "
        "init` made for the server, or --insecure for clients on this "
        "machine");
  } else {
    options.tls = TlsFilesIn(settings.access.certs);
  }
  options.insecure_anywhere = settings.access.insecure_anywhere;
  options.revocations = settings.revocations;
  for (const std::string& client : settings.allowed_clients) {
    FEDGAP_RETURN_IF_ERROR(ValidateName(
        client, fmt::format("server.allowed_clients: '{}'", client)));
    options.allowed_clients.insert(client);
  }
  options.limits = settings.limits;
  return options;
}

// What the store, the event log, the dashboard and gRPC need beside the
// connections and the files of staged updates.
constexpr std::size_t kOtherDescriptors = 128;

std::size_t MostConnections(const ServerSettings& settings, int upload_slots) {
  const std::size_t limit = RaiseDescriptorLimit();
  const std::size_t others =
      kOtherDescriptors + static_cast<std::size_t>(upload_slots);
  // A limit too low for anything: better some connections than none.
  const std::size_t left = limit > 2 * others ? limit - others : limit / 2;
  return std::min(static_cast<std::size_t>(settings.max_connections), left);
}

Status CheckPortFile(const std::filesystem::path& file) {
  if (file.empty()) return absl::OkStatus();
  std::error_code ignored;
  if (std::filesystem::is_directory(file, ignored)) {
    return absl::InvalidArgumentError(fmt::format(
        "--port-file {} is a directory; give a file", file.string()));
  }
  const auto directory = file.has_parent_path() ? file.parent_path() : ".";
  if (::access(directory.c_str(), W_OK | X_OK) == 0) return absl::OkStatus();
  return Annotate(ErrnoStatus(errno, "write into", directory), "--port-file");
}

// All that can be wrong before there is a run: an operator who mends it and
// tries again must not find the directory of a run that never was.
StatusOr<GrpcServer::Options> PrepareToListen(const ServerSettings& settings,
                                              const Clock& clock,
                                              HumanLog& log) {
  FEDGAP_ASSIGN_OR_RETURN(GrpcServer::Options options,
                          ListenOptions(settings, log));
  FEDGAP_RETURN_IF_ERROR(GrpcServer::Check(options, clock.WallNow()));
  FEDGAP_RETURN_IF_ERROR(CheckPortFile(settings.port_file));
  return options;
}

// `metrics` must outlive the dashboard.
StatusOr<DashboardServer::Options> DashboardOptions(
    const ServerSettings& settings, const RunMetrics& metrics) {
  DashboardServer::Options options;
  options.metrics = [&metrics] { return metrics.Text(); };
  if (settings.dashboard.empty()) return options;
  FEDGAP_ASSIGN_OR_RETURN(const ServerAddress address,
                          ParseServerAddress(settings.dashboard));
  options.host = address.host;
  options.port = address.port;
  options.is_loopback = address.IsLoopback();
  if (!options.is_loopback && !settings.access.insecure) {
    options.identity = TlsFilesIn(settings.access.certs).identity;
  }
  FEDGAP_RETURN_IF_ERROR(SetToken(settings.dashboard_token_file, options));
  return options;
}

// Null if none is asked for, or if it cannot be served: the run goes on
// without it.
std::unique_ptr<DashboardServer> StartDashboard(
    const ServerSettings& settings, const DashboardServer::Options& options,
    const std::filesystem::path& run, HumanLog& log) {
  if (settings.dashboard.empty()) return nullptr;
  auto server = DashboardServer::Start(options, {run});
  if (!server.ok()) {
    log.Warning(fmt::format("no dashboard: {}", MessageOf(server.status())));
    return nullptr;
  }
  log.Info(fmt::format("dashboard: {}", (*server)->url()));
  const std::string warning = AccessWarning(options);
  if (!warning.empty()) log.Warning(warning);
  return *std::move(server);
}

// What serves a run and shows it.
struct Stage {
  const ServerSettings& settings;
  const Clock& clock;
  HumanLog& log;
  ProgressPrinter& progress;
};

Status ListenAndDrive(const Stage& stage, const GrpcServer::Options& options,
                      Coordinator& coordinator) {
  const std::string root = options.staging.directory.string();
  FEDGAP_ASSIGN_OR_RETURN(
      const std::unique_ptr<GrpcServer> server,
      GrpcServer::Create(options, {coordinator, stage.clock}));
  stage.log.Info(fmt::format("listening on port {}, run directory {}",
                             server->port(), root));
  if (!stage.settings.port_file.empty()) {
    FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(
        stage.settings.port_file, fmt::format("{}\n", server->port())));
  }
  Status status = DriveToEnd(coordinator, [&stage](const std::string& wait) {
    if (stage.settings.quiet) {
      stage.log.Info(wait);
    } else {
      stage.progress.Say(wait);
    }
  });
  if (status.ok()) WaitUntilToldOf(coordinator, kLastWordPatience);
  server->Shutdown(kShutdownGrace);
  return status;
}

StatusOr<std::unique_ptr<HumanLog>> OpenLog(const LogSettings& settings) {
  FEDGAP_ASSIGN_OR_RETURN(const LogLevel level,
                          LogLevelFromString(settings.level));
  FEDGAP_ASSIGN_OR_RETURN(const LogFormat format,
                          LogFormatFromString(settings.format));
  return HumanLog::Create(
      {.level = level, .format = format, .file = settings.file});
}

// Where the lines of the rounds go: into a log of JSON, or, null, to stdout.
ProgressPrinter::Write ProgressWriter(const LogSettings& settings,
                                      HumanLog& log) {
  if (settings.format != "json") return nullptr;
  return [&log](std::string_view text) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      const bool warns = line.starts_with(ProgressPrinter::kWarning);
      if (warns) line.remove_prefix(ProgressPrinter::kWarning.size());
      log.Write(warns ? LogLevel::kWarning : LogLevel::kInfo, line);
    }
  };
}

// A new run also gets the parameters that it starts from. `metrics` and `log`
// outlive it.
StatusOr<std::unique_ptr<RecordedRun>> OpenRecord(RecordedRun::Options options,
                                                  const Clock& clock,
                                                  DefinedRun& defined,
                                                  RunMetrics& metrics,
                                                  HumanLog& log) {
  options.on_log_failure = [&log](const Status& failure) {
    log.Error(fmt::format("the event log has holes from now on: {}",
                          MessageOf(failure)));
  };
  options.on_recorded = [&metrics](const LoggedEvent& logged) {
    metrics.Recall(logged);
  };
  options.observer = &metrics;
  FEDGAP_ASSIGN_OR_RETURN(std::unique_ptr<RecordedRun> run,
                          RecordedRun::Open(options, clock));
  if (run->is_new()) {
    FEDGAP_RETURN_IF_ERROR(ReadInitial(*defined.model, defined.definition));
  }
  return run;
}

// Once the store is restored.
Status SayWhatWasLost(RecordedRun& run, HumanLog& log) {
  FEDGAP_RETURN_IF_ERROR(run.EmitWhatWasLost());
  for (const std::string& warning : run.store().warnings()) {
    log.Warning(warning);
  }
  return absl::OkStatus();
}

void WarnOfOtherBits(const ServerSettings& settings, RecordedRun& run,
                     HumanLog& log) {
  const std::string text = OtherBits();
  if (text.empty()) return;
  run.events().Emit(WarningEvent{text});
  if (settings.quiet) log.Warning(text);
}

// Writes the report of a run that ended with `status`. One cause (a full disk)
// may have several effects: the run's own comes first.
Status EndRecord(RecordedRun& run, const Status& status, HumanLog& log) {
  Status reported = run.WriteReport();
  if (!status.ok() && !reported.ok()) log.Error(MessageOf(reported));
  FEDGAP_RETURN_IF_ERROR(status);
  return reported;
}

// The last words of a run that ended, or was interrupted, in order.
void SayWhereItIs(const ServerSettings& settings, const RecordedRun& run,
                  const std::string& root, bool goes_on, HumanLog& log) {
  std::vector<std::string> lines = {"run directory: " + root};
  if (goes_on) lines.push_back("go on with it: " + settings.command);
  const bool is_json = settings.log.format == "json";
  if (!is_json && !settings.quiet) fmt::print("\n{}", ToTable(run.Report()));
  for (const std::string& line : lines) {
    if (is_json) {
      log.Info(line);
    } else {
      fmt::print("{}\n", line);
    }
  }
}

}  // namespace

Status RunServer(const ServerSettings& settings, const RunConfig& config) {
  const SystemClock clock;
  FEDGAP_ASSIGN_OR_RETURN(const std::unique_ptr<HumanLog> log,
                          OpenLog(settings.log));
  const TlsFailuresInLog tls_failures(*log);
  // Before any other thread; a signal may come before there is a coordinator.
  SignalWaiter signals;

  FEDGAP_ASSIGN_OR_RETURN(GrpcServer::Options listening,
                          PrepareToListen(settings, clock, *log));
  RunMetrics metrics(clock);
  FEDGAP_ASSIGN_OR_RETURN(const DashboardServer::Options watching,
                          DashboardOptions(settings, metrics));
  FEDGAP_ASSIGN_OR_RETURN(DefinedRun defined,
                          DefineRun(config, ToToml(config)));
  const std::string root =
      settings.run_dir.empty() ? "runs/" + config.name : settings.run_dir;
  FEDGAP_ASSIGN_OR_RETURN(
      const std::unique_ptr<RecordedRun> run,
      OpenRecord({.directory = root,
                  .config_toml = defined.definition.config_toml,
                  .comparable = ComparableToml,
                  .keep_models = config.keep_models,
                  .progress = !settings.quiet,
                  .write_progress = ProgressWriter(settings.log, *log)},
                 clock, defined, metrics, *log));
  FEDGAP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Coordinator> coordinator,
      Coordinator::Create(
          std::move(defined.definition),
          {clock, run->store(), run->events(), defined.evaluator.get()}));
  FEDGAP_RETURN_IF_ERROR(SayWhatWasLost(*run, *log));
  WarnOfOtherBits(settings, *run, *log);
  const auto dashboard = StartDashboard(settings, watching, root, *log);
  signals.Attach([&coordinator](int signal) {
    coordinator->Interrupt(DescribeInterruption(signal));
  });
  listening.staging.directory = root;
  listening.staging.slots = config.aggregation.upload_slots;
  listening.connections.connections =
      MostConnections(settings, listening.staging.slots);
  listening.on_refusal = [&metrics](const Status& why) {
    metrics.CountRefusedCall(why);
  };
  listening.on_notice = [&log](const std::string& line) { log->Info(line); };
  listening.on_warning = [&run, &log, &settings](const std::string& line) {
    run->events().Emit(WarningEvent{line});
    if (settings.quiet) log->Warning(line);
  };
  const Status status = ListenAndDrive({settings, clock, *log, run->progress()},
                                       listening, *coordinator);
  signals.Detach();
  FEDGAP_RETURN_IF_ERROR(EndRecord(*run, status, *log));
  SayWhereItIs(settings, *run, root, signals.signalled() != 0, *log);
  return absl::OkStatus();
}

Status CheckServer(const ServerSettings& settings) {
  QuietGrpc();
  HealthQuery query;
  FEDGAP_ASSIGN_OR_RETURN(query.server, ParseServerAddress(settings.listen));
  if (!settings.access.insecure) query.tls = TlsFilesIn(settings.access.certs);
  query.insecure_anywhere = settings.access.insecure_anywhere;
  return CheckHealth(query, SystemClock());
}

}  // namespace fedgap
