#include "server/server_program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "common/base/signal_waiter.h"
#include "common/base/version.h"
#include "common/config/run_config_toml.h"
#include "common/crypto/tls_files.h"
#include "common/data/data_spec.h"
#include "common/federation/model_choice.h"
#include "common/rpc/server_address.h"
#include "common/telemetry/event_log.h"
#include "common/telemetry/event_reader.h"
#include "common/telemetry/human_log.h"
#include "common/telemetry/progress_printer.h"
#include "common/telemetry/report_builder.h"
#include "common/telemetry/tee_event_sink.h"
#include "server/core/coordinator.h"
#include "server/core/driver.h"
#include "server/evaluation/held_out_evaluator.h"
#include "server/rpc/grpc_server.h"
#include "server/store/sqlite_run_store.h"

namespace fedgap {
namespace {

// How long calls may go on once the run is over: clients fetch the last word.
constexpr std::chrono::seconds kShutdownGrace{5};

// The server's own held-out images and what looks at them; both empty where
// the configuration names no data.
struct Evaluation {
  std::vector<std::string> class_names;
  std::unique_ptr<HeldOutEvaluator> evaluator;
};

StatusOr<Evaluation> OpenEvaluation(const RunConfig& config,
                                    const Model& model) {
  Evaluation evaluation;
  if (config.evaluation.data.empty()) return evaluation;
  FEDGAP_ASSIGN_OR_RETURN(const DataSpec spec,
                          ParseDataSpec(config.evaluation.data));
  LoadOptions options;
  options.split = DataSplit::kTest;
  options.channels = model.spec().input_channels;
  options.class_names = config.model.class_names;
  FEDGAP_ASSIGN_OR_RETURN(const LoadedData loaded, LoadData(spec, options));
  evaluation.class_names = loaded.data->class_names();
  FEDGAP_ASSIGN_OR_RETURN(
      evaluation.evaluator,
      HeldOutEvaluator::Create(model, loaded.data,
                               {.sizes = config.evaluation.sizes,
                                .groups = config.groups,
                                .max_samples = config.evaluation.max_samples,
                                .seed = config.seed,
                                .threads = config.evaluation.threads}));
  return evaluation;
}

// What a configuration describes. The evaluator looks at the model's layers.
struct Run {
  std::unique_ptr<const Model> model;
  Evaluation evaluation;
  Coordinator::Options options;
};

StatusOr<Run> DefineRun(const RunConfig& config) {
  Run run;
  FEDGAP_ASSIGN_OR_RETURN(run.options.model, ChooseModel(config.model));
  FEDGAP_ASSIGN_OR_RETURN(run.model, Model::Create(run.options.model));
  run.options.config = config;
  run.options.config_toml = ToToml(config);
  run.options.software = SoftwareVersion();
  if (!config.model.init_from.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(
        run.options.initial,
        ReadInitialParameters(config.model.init_from, *run.model));
  }
  FEDGAP_ASSIGN_OR_RETURN(run.evaluation, OpenEvaluation(config, *run.model));
  run.options.class_names = config.model.class_names.empty()
                                ? run.evaluation.class_names
                                : config.model.class_names;
  return run;
}

// The first line in which two configurations differ.
std::string FirstDifference(const std::string& stored,
                            const std::string& given) {
  const auto [a, b] =
      std::mismatch(stored.begin(), stored.end(), given.begin(), given.end());
  const auto line = [](const std::string& text,
                       std::string::const_iterator at) {
    const auto begin =
        text.rfind('\n', static_cast<std::size_t>(at - text.begin()));
    const std::size_t first = begin == std::string::npos ? 0 : begin + 1;
    return text.substr(first, text.find('\n', first) - first);
  };
  return fmt::format("stored '{}', given '{}'", line(stored, a),
                     line(given, b));
}

Status CheckSameConfig(const RunDirectory& directory,
                       const std::string& config_toml) {
  const StatusOr<std::string> stored = ReadFileText(directory.config());
  if (!stored.ok() || *stored == config_toml) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "{} holds a run of another configuration ({}); go on with it by --resume "
      "{}, or give another --run-dir",
      directory.root.string(), FirstDifference(*stored, config_toml),
      directory.root.string()));
}

Status ListenAndDrive(const ServerSettings& settings, const RunConfig& config,
                      const std::filesystem::path& root, const Clock& clock,
                      Coordinator& coordinator, HumanLog& log) {
  GrpcServer::Options options;
  FEDGAP_ASSIGN_OR_RETURN(options.listen, ParseServerAddress(settings.listen));
  if (!settings.access.insecure) {
    if (settings.access.certs.empty()) {
      return absl::InvalidArgumentError(
          "no certificate: give --certs DIR with the bundle that `fedgap certs "
          "init` made for the server, or --insecure for clients on this "
          "machine");
    }
    options.tls = TlsFilesIn(settings.access.certs);
  } else {
    log.Warning("INSECURE: no encryption, and clients are who they say");
  }
  options.insecure_anywhere = settings.access.insecure_anywhere;
  options.staging.directory = root;
  options.staging.slots = config.aggregation.upload_slots;
  FEDGAP_ASSIGN_OR_RETURN(
      const std::unique_ptr<GrpcServer> server,
      GrpcServer::Create(std::move(options), {coordinator, clock}));
  log.Info(fmt::format("listening on port {}, run directory {}", server->port(),
                       root.string()));
  if (!settings.port_file.empty()) {
    FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(
        settings.port_file, fmt::format("{}\n", server->port())));
  }
  const Status status = DriveToEnd(coordinator);
  server->Shutdown(kShutdownGrace);
  return status;
}

}  // namespace

StatusOr<std::string> StoredConfig(const std::string& directory) {
  const StatusOr<std::string> text =
      ReadFileText(RunDirectory{directory}.config());
  if (!text.ok()) {
    return absl::NotFoundError(fmt::format("{} holds no run: {}", directory,
                                           MessageOf(text.status())));
  }
  return text;
}

Status RunServer(const ServerSettings& settings, const RunConfig& config) {
  const SystemClock clock;
  FEDGAP_ASSIGN_OR_RETURN(const LogLevel level,
                          LogLevelFromString(settings.log.level));
  FEDGAP_ASSIGN_OR_RETURN(
      const std::unique_ptr<HumanLog> log,
      HumanLog::Create({.level = level, .file = settings.log.file}));
  // Before any other thread; a signal may come before there is a coordinator.
  std::atomic<Coordinator*> running = nullptr;
  std::atomic<int> signalled = 0;
  SignalWaiter signals([&running, &signalled](int signal) {
    signalled = signal;
    if (Coordinator* coordinator = running.load()) {
      coordinator->Interrupt(::strsignal(signal));
    }
  });

  FEDGAP_ASSIGN_OR_RETURN(Run run, DefineRun(config));
  const std::string root =
      settings.run_dir.empty() ? "runs/" + config.name : settings.run_dir;
  FEDGAP_ASSIGN_OR_RETURN(const std::unique_ptr<SqliteRunStore> store,
                          SqliteRunStore::Open(root));
  FEDGAP_RETURN_IF_ERROR(
      CheckSameConfig(store->directory(), run.options.config_toml));
  FEDGAP_ASSIGN_OR_RETURN(const std::unique_ptr<EventLog> event_log,
                          EventLog::Open(store->directory().events(), clock));
  ReportBuilder report;  // of the rounds before a restart, too
  FEDGAP_RETURN_IF_ERROR(ReadEvents(
      store->directory().events(),
      [&report](const LoggedEvent& logged) { report.Emit(logged.event); }));
  ProgressPrinter progress(clock, {.terminal = ::isatty(STDOUT_FILENO) == 1},
                           [](std::string_view text) {
                             std::fwrite(text.data(), 1, text.size(), stdout);
                             std::fflush(stdout);
                           });
  std::vector<EventSink*> sinks = {event_log.get(), &report};
  if (!settings.quiet) sinks.push_back(&progress);
  TeeEventSink events(std::move(sinks));

  FEDGAP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Coordinator> coordinator,
      Coordinator::Create(
          std::move(run.options),
          {clock, *store, events, run.evaluation.evaluator.get()}));
  // Commits whose events a crash kept from the log; the store is restored now.
  FEDGAP_RETURN_IF_ERROR(EmitMissingCommits(*store, events));
  for (const std::string& warning : store->warnings()) {
    log->Warning(warning);
    events.Emit(WarningEvent{warning});
  }
  running = coordinator.get();
  if (signalled != 0) coordinator->Interrupt(::strsignal(signalled));
  const Status status =
      ListenAndDrive(settings, config, root, clock, *coordinator, *log);
  running = nullptr;
  event_log->Flush();
  FEDGAP_RETURN_IF_ERROR(
      WriteReport(report.Report(), store->directory().report()));
  FEDGAP_RETURN_IF_ERROR(status);
  if (!settings.quiet) fmt::print("\n{}", ToTable(report.Report()));
  fmt::print("run directory: {}\n", root);
  return absl::OkStatus();
}

}  // namespace fedgap
