// fedgap: the operator's tool. Exit codes: docs/COMMAND_LINE.md.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "cli/commands.h"
#include "common/base/status.h"
#include "common/base/version.h"
#include "common/config/usage_error.h"

namespace fedgap {
namespace {

// Of each command whose own words say nothing of them.
void AddExitCodes(CLI::App& command) {
  std::string footer = command.get_footer();
  if (footer.find("Exit codes:") == std::string::npos) {
    const auto examples = std::min(footer.find("Examples:"), footer.size());
    footer.insert(examples, "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\n");
    command.footer(footer);
  }
  for (CLI::App* below : command.get_subcommands(nullptr)) AddExitCodes(*below);
}

int Run(int argc, char** argv) {
  CLI::App app("The tool of a federation's operator.", "fedgap");
  app.set_version_flag("--version", fedgap::SoftwareVersion());
  app.footer(
      "`fedgap COMMAND --help` says more of each.\n"
      "Exit codes: 0 done, 1 failed, 2 wrong usage.\n\n"
      "Examples:\n"
      "  fedgap simulate --config examples/simulate/quick.toml\n"
      "  fedgap runs list\n"
      "  fedgap report runs/first");
  app.failure_message(DescribeUsageError);
  app.require_subcommand(1);
  Action selected;
  for (const auto add :
       {AddAdminCommand, AddCertsCommand, AddCompletionCommand,
        AddDashboardCommand, AddEvaluateCommand, AddExportCommand,
        AddInspectCommand, AddLogsCommand, AddManualCommand, AddPredictCommand,
        AddReportCommand, AddRunsCommand, AddSimulateCommand,
        AddStatusCommand}) {
    add(app, selected);
  }
  AddExitCodes(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : kUsageExitCode;
  }
  const Status status = selected();
  if (status.ok()) return 0;
  fmt::print(stderr, "fedgap: {}\n", MessageOf(status));
  return ExitCodeOf(status);
}

}  // namespace
}  // namespace fedgap

// What CLI11 throws while options are declared is a mistake in this file.
// NOLINTNEXTLINE(bugprone-exception-escape)
int main(int argc, char** argv) { return fedgap::Run(argc, argv); }
