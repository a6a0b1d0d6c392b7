#include "client/client_program.h"

#include <fmt/format.h>

#include <csignal>
#include <cstring>
#include <memory>

#include "client/client_connection.h"
#include "client/client_data.h"
#include "client/console_listener.h"
#include "client/core/participant.h"
#include "client/store/file_client_store.h"
#include "common/base/clock.h"
#include "common/base/signal_waiter.h"
#include "common/base/version.h"
#include "common/data/class_mapping.h"
#include "common/data/summary.h"
#include "common/nn/kernels/isa.h"
#include "common/rpc/grpc_log.h"
#include "common/rpc/health.h"
#include "common/rpc/server_address.h"
#include "common/telemetry/human_log.h"

namespace fedgap {
namespace {

StatusOr<std::unique_ptr<HumanLog>> OpenLog(const ClientSettings& settings) {
  HumanLog::Options options;
  FEDGAP_ASSIGN_OR_RETURN(options.level,
                          LogLevelFromString(settings.log.level));
  FEDGAP_ASSIGN_OR_RETURN(options.format,
                          LogFormatFromString(settings.log.format));
  options.file = settings.log.file;
  return HumanLog::Create(options);
}

StatusOr<std::unique_ptr<ClientStore>> OpenStore(
    const ClientSettings& settings) {
  if (settings.state_dir.empty()) return std::make_unique<MemoryClientStore>();
  return FileClientStore::Open(settings.state_dir);
}

StatusOr<kernels::Isa> ChooseIsa(const ClientSettings& settings) {
  if (settings.isa.empty()) return kernels::BestIsa();
  return kernels::IsaFromString(settings.isa);
}

void LogData(const LoadedData& loaded, HumanLog& log) {
  const DataSummary summary = Summarize(*loaded.data, {});
  log.Info(fmt::format("{} images, {} to {}, {} classes", summary.samples,
                       summary.smallest.ToString(), summary.largest.ToString(),
                       summary.class_names.size()));
  for (const BadImage& bad : loaded.report.skipped) {
    log.Warning(fmt::format("skipped {}: {}", bad.path.string(), bad.reason));
  }
}

StatusOr<ClientEnd> TakePart(const ClientSettings& settings) {
  QuietGrpc();
  FEDGAP_ASSIGN_OR_RETURN(const std::unique_ptr<HumanLog> log,
                          OpenLog(settings));
  FEDGAP_ASSIGN_OR_RETURN(const kernels::Isa isa, ChooseIsa(settings));
  if (!kernels::HasPortableBits(isa)) log->Warning(kernels::DescribeIsa(isa));
  // Before any other thread, and the connection has some; a signal may come
  // before there is a participant to stop.
  const SystemClock clock;
  SignalWaiter signals([&log](int signal) {
    log->Info(DescribeInterruption(signal) + ": leaving the run");
  });
  FEDGAP_ASSIGN_OR_RETURN(const ClientConnection connection,
                          Connect(settings, clock));
  FEDGAP_ASSIGN_OR_RETURN(const LoadedData loaded, LoadClientData(settings));
  LogData(loaded, *log);
  FEDGAP_ASSIGN_OR_RETURN(const std::unique_ptr<ClientStore> store,
                          OpenStore(settings));
  ConsoleListener listener(*log, clock);
  Participant participant(
      {.name = connection.name,
       .software = SoftwareVersion(),
       .threads = settings.threads,
       .isa = isa,
       .back_off = {},
       .give_up_after = std::chrono::seconds(settings.give_up_after)},
      {*connection.api, *loaded.data, *store, clock, &listener});
  signals.Attach([&participant](int) { participant.Stop(); });
  const Status status = participant.Run();
  signals.Detach();
  if (signals.signalled() != 0) return ClientEnd{};
  return ClientEnd{
      status, absl::IsPermissionDenied(status) && !participant.store_failed()};
}

}  // namespace

ClientEnd RunClient(const ClientSettings& settings) {
  StatusOr<ClientEnd> end = TakePart(settings);
  return end.ok() ? *std::move(end) : ClientEnd{end.status()};
}

Status CheckClient(const ClientSettings& settings) {
  QuietGrpc();
  const SystemClock clock;
  const StatusOr<LoadedData> loaded = LoadClientData(settings);
  if (loaded.ok()) {
    fmt::print("data: {}\n{}", settings.data,
               ToString(Summarize(*loaded->data, {})));
    fmt::print("  skipped: {} damaged images\n", loaded->report.skipped.size());
  } else {
    fmt::print("data: {}\n", MessageOf(loaded.status()));
  }
  const StatusOr<ClientConnection> connection = Connect(settings, clock);
  if (!connection.ok()) {
    fmt::print("identity: {}\n", MessageOf(connection.status()));
    return connection.status();
  }
  fmt::print(
      "identity: {}{}\n", connection->name.value,
      settings.access.insecure ? " (no TLS)" : ", the certificate is good");
  JoinRequest request;
  request.software = SoftwareVersion();
  request.probe = true;
  const StatusOr<JoinReply> reply = connection->api->Join(request);
  if (!reply.ok()) {
    fmt::print("server {}: {}\n", settings.server, MessageOf(reply.status()));
    return reply.status();
  }
  fmt::print("server {}: run {}, model {} ({} classes, {} channels)\n",
             settings.server, reply->run.value, reply->model.name,
             reply->model.classes, reply->model.input_channels);
  FEDGAP_RETURN_IF_ERROR(loaded.status());
  FEDGAP_ASSIGN_OR_RETURN(const auto model, Model::Create(reply->model));
  const auto relabelled = WithClassesOf(reply->class_names, *loaded->data);
  if (!relabelled.ok()) {
    fmt::print("classes: {}\n", MessageOf(relabelled.status()));
    return relabelled.status();
  }
  const DataSource& data =
      *relabelled != nullptr ? **relabelled : *loaded->data;
  TrainingEngines engines(*model, {});
  const auto trainer = LocalTrainer::Create(
      engines, data, clock, {.name = connection->name, .should_stop = {}});
  if (!trainer.ok()) {
    fmt::print("model: {}\n", MessageOf(trainer.status()));
    return trainer.status();
  }
  fmt::print("model: fits the data\nready\n");
  return absl::OkStatus();
}

Status CheckServerHealth(const ClientSettings& settings) {
  QuietGrpc();
  HealthQuery query;
  FEDGAP_ASSIGN_OR_RETURN(query.server, ParseServerAddress(settings.server));
  if (!settings.access.insecure) query.tls = TlsFilesIn(settings.access.certs);
  query.insecure_anywhere = settings.access.insecure_anywhere;
  return CheckHealth(query, SystemClock());
}

StatusOr<std::string> CpuInfo(const ClientSettings& settings) {
  FEDGAP_ASSIGN_OR_RETURN(const kernels::Isa isa, ChooseIsa(settings));
  return kernels::DescribeIsa(isa);
}

}  // namespace fedgap
