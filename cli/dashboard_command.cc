// `fedgap dashboard`: runs in a browser, as they go on.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.h"
#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "common/base/signal_waiter.h"
#include "common/crypto/tls_files.h"
#include "common/rpc/server_address.h"
#include "dashboard/http/dashboard_access.h"
#include "dashboard/http/dashboard_server.h"

namespace fedgap {
namespace {

struct DashboardFlags {
  std::vector<std::filesystem::path> runs;
  std::string listen = "127.0.0.1:8080";
  std::filesystem::path certs;
  std::filesystem::path token_file;
  std::filesystem::path port_file;
};

Status Serve(const DashboardFlags& flags) {
  std::promise<void> interrupted;
  SignalWaiter signals([&interrupted](int) { interrupted.set_value(); });
  FEDGAP_ASSIGN_OR_RETURN(const ServerAddress address,
                          ParseServerAddress(flags.listen));
  DashboardServer::Options options{.host = address.host,
                                   .port = address.port,
                                   .identity = {},
                                   .token = {},
                                   .is_loopback = address.IsLoopback()};
  if (!flags.certs.empty()) {
    const TlsFiles files = TlsFilesIn(flags.certs);
    FEDGAP_RETURN_IF_ERROR(
        LoadTlsFiles(files, TlsEnd::kServer, SystemClock().WallNow()).status());
    options.identity = files.identity;
  }
  FEDGAP_RETURN_IF_ERROR(SetToken(flags.token_file, options));
  FEDGAP_ASSIGN_OR_RETURN(const auto server,
                          DashboardServer::Start(options, flags.runs));
  if (!flags.port_file.empty()) {
    FEDGAP_RETURN_IF_ERROR(
        WriteFileAtomic(flags.port_file, fmt::format("{}\n", server->port())));
  }
  const std::string warning = AccessWarning(options);
  if (!warning.empty()) {
    fmt::print(stderr, "fedgap: {}: give --certs DIR\n", warning);
  }
  fmt::print("dashboard: {}\nCtrl-C ends it.\n", server->url());
  std::fflush(stdout);
  interrupted.get_future().wait();
  return absl::OkStatus();
}

}  // namespace

void AddDashboardCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "dashboard",
      "Runs in a browser, as they go on: accuracy by resolution, influence, "
      "pooled vectors, clients, events.");
  auto flags = std::make_shared<DashboardFlags>();
  command
      ->add_option("runs", flags->runs,
                   "Runs' directories, their events/, or files of a log")
      ->type_name("RUN")
      ->required();
  command
      ->add_option("--listen", flags->listen,
                   "address:port; port 0 takes a free one")
      ->type_name("ADDRESS:PORT")
      ->capture_default_str();
  command
      ->add_option("--certs", flags->certs,
                   "HTTPS with this bundle's identity, as `fedgap certs` made "
                   "it for a server")
      ->type_name("DIR");
  command
      ->add_option("--token-file", flags->token_file,
                   "Ask for the token in this file; beyond this machine one "
                   "is made up otherwise")
      ->type_name("FILE");
  command
      ->add_option("--port-file", flags->port_file,
                   "Write the port to this file once it listens")
      ->type_name("FILE");
  command->footer(
      "The page is read-only and asks no other host for anything.\n\n"
      "Examples:\n"
      "  fedgap dashboard runs/first\n"
      "  fedgap dashboard runs/first runs/second --listen 127.0.0.1:0\n"
      "  fedgap dashboard runs/first --listen 0.0.0.0:8443 --certs "
      "bundles/server");
  command->callback(
      [flags, &selected] { selected = [flags] { return Serve(*flags); }; });
}

}  // namespace fedgap
