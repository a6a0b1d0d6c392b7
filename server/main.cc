// fedgap-server: runs a federation.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/version.h"
#include "common/config/command_line.h"
#include "common/config/config_schema.h"
#include "common/config/program_settings.h"
#include "common/config/run_config_toml.h"
#include "common/config/usage_error.h"
#include "common/usage/self_description.h"
#include "server/resumed_config.h"
#include "server/server_program.h"
#include "server/server_settings.h"
#include "server/store/recorded_run.h"

namespace {

int Fail(const fedgap::Status& status) {
  fmt::print(stderr, "fedgap-server: {}\n", fedgap::MessageOf(status));
  return fedgap::ExitCodeOf(status);
}

// As a shell takes it.
std::string Quoted(const std::string& word) {
  constexpr std::string_view kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@";
  if (!word.empty() && word.find_first_not_of(kPlain) == word.npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string CommandLine(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) {
    line += (i == 0 ? "" : " ") + Quoted(argv[i]);
  }
  return line;
}

}  // namespace

// What CLI11 throws while options are declared is a mistake in this file.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) {
  fedgap::ServerSettings settings;
  fedgap::RunConfig config;
  fedgap::ConfigSchema schema;
  fedgap::BindRunConfig(config, schema);
  fedgap::BindServerSettings(settings, schema);

  CLI::App app("Runs a federation of clients whose images differ in size.",
               "fedgap-server");
  app.failure_message(fedgap::DescribeUsageError);
  std::string file;
  std::string resume;
  bool health = false;
  std::vector<std::string> overrides;
  app.set_version_flag("--version", fedgap::SoftwareVersion());
  app.add_option(
         "--resume", resume,
         "Go on with the run in this directory, by its configuration; what "
         "is of this program ([server]) is given as ever")
      ->type_name("RUN");
  app.add_flag("--health", health,
               "Ask the server that listens at --listen whether it serves, "
               "with the --certs of any client; exit code 0 if it does");
  fedgap::AddConfigFlags(app, file, overrides);
  fedgap::AddSectionFlags(schema, "server", app, overrides);
  fedgap::SelfDescription description(app);
  app.footer(
      "An option overrides the environment (FEDGAP_SERVER__QUIET=true), that\n"
      "the file of --config; docs/CONFIG.md has every key.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\n"
      "Examples:\n"
      "  fedgap-server --config server.toml --certs ca/server --run-dir "
      "runs/first\n"
      "  fedgap-server --resume runs/first --certs ca/server");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : fedgap::kUsageExitCode;
  }

  if (const auto text = description.Asked(); text.has_value()) {
    fmt::print("{}", *text);
    return 0;
  }
  auto sources = fedgap::ReadConfigSources(file, overrides);
  if (!sources.ok()) return Fail(sources.status());
  if (const auto status = schema.Load(*sources); !status.ok()) {
    return Fail(status);
  }
  if (const auto status = fedgap::CheckAccess(settings.access, overrides);
      !status.ok()) {
    return Fail(status);
  }
  if (health) {
    const auto status = fedgap::CheckServer(settings);
    return status.ok() ? 0 : Fail(status);
  }
  settings.command = CommandLine(argc, argv);
  if (!resume.empty()) {
    settings.run_dir = resume;
    const auto given = file.empty() ? std::nullopt : std::optional(config);
    const auto run = fedgap::ResumedConfig(resume, given, overrides);
    if (!run.ok()) return Fail(run.status());
    config = *run;
  }
  if (const auto status = fedgap::Validate(config); !status.ok()) {
    return Fail(status);
  }
  const fedgap::Status status = fedgap::RunServer(settings, config);
  return status.ok() ? 0 : Fail(status);
}
