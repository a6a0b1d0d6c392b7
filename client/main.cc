// fedgap-client: takes part in a federation with the data of one site.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "client/client_program.h"
#include "client/client_settings.h"
#include "common/base/version.h"
#include "common/config/command_line.h"
#include "common/config/config_schema.h"
#include "common/config/program_settings.h"
#include "common/config/usage_error.h"
#include "common/federation/run_config.h"
#include "common/usage/self_description.h"

namespace {

constexpr int kSentAway = 3;

int Fail(const fedgap::Status& status) {
  fmt::print(stderr, "fedgap-client: {}\n", fedgap::MessageOf(status));
  return fedgap::ExitCodeOf(status);
}

}  // namespace

// What CLI11 throws while options are declared is a mistake in this file.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  fedgap::ClientSettings settings;
  fedgap::ConfigSchema schema;
  fedgap::BindClientSettings(settings, schema);
  for (const char* other :
       {"run", "model", "resolution", "training", "cohort", "aggregation",
        "validation", "evaluation", "stop", "server", "simulation", "sweep"}) {
    schema.IgnoreSection(other);
  }

  CLI::App app("Takes part in a federation with the data of one site.",
               "fedgap-client");
  app.failure_message(fedgap::DescribeUsageError);
  std::string file;
  std::vector<std::string> overrides;
  bool check = false;
  bool cpu_info = false;
  bool health = false;
  app.set_version_flag("--version", fedgap::SoftwareVersion());
  app.add_flag("--check", check,
               "Look at data, certificates and server; train nothing");
  app.add_flag("--health", health,
               "Ask whether the server can be reached and serves; exit code 0 "
               "if it does");
  app.add_flag("--cpu-info", cpu_info,
               "Print which instruction sets run here and what is used");
  fedgap::AddConfigFlags(app, file, overrides);
  fedgap::AddSectionFlags(schema, "client", app, overrides);
  fedgap::SelfDescription description(app);
  app.footer(
      "An option overrides the environment (FEDGAP_CLIENT__STATE_DIR=state),\n"
      "that the file of --config; docs/CONFIG.md has every key.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the server does not let "
      "this client take part (sent away, revoked, not allowed).\n\n"
      "Examples:\n"
      "  fedgap-client --server fl.example.org:7443 --certs bundles/site-1 "
      "--data folder:/data/images --state-dir state\n"
      "  fedgap-client --check --server fl.example.org:7443 --certs "
      "bundles/site-1 --data folder:/data/images");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : fedgap::kUsageExitCode;
  }

  if (const auto text = description.Asked(); text.has_value()) {
    fmt::print("{}", *text);
    return 0;
  }
  const auto sources = fedgap::ReadConfigSources(file, overrides);
  if (!sources.ok()) return Fail(sources.status());
  if (const auto status = schema.Load(*sources); !status.ok()) {
    return Fail(status);
  }
  if (const auto status = fedgap::CheckAccess(settings.access, overrides);
      !status.ok()) {
    return Fail(status);
  }
  if (cpu_info) {
    const auto info = fedgap::CpuInfo(settings);
    if (!info.ok()) return Fail(info.status());
    fmt::print("{}", *info);
    return 0;
  }
  if (health) {
    const auto status = fedgap::CheckServerHealth(settings);
    return status.ok() ? 0 : Fail(status);
  }
  if (check) {
    const fedgap::Status status = fedgap::CheckClient(settings);
    return status.ok() ? 0 : Fail(status);
  }
  const fedgap::ClientEnd end = fedgap::RunClient(settings);
  if (end.status.ok()) return 0;
  const int exit_code = Fail(end.status);
  // A supervisor need not start it again.
  return end.is_sent_away ? kSentAway : exit_code;
}
