// The subcommands of `fedgap`, one source file each. To add one: write
// cli/NAME_command.cc with its Add function, declare that here, and name it in
// main.cc's list and in CMakeLists.txt.
#ifndef FEDGAP_CLI_COMMANDS_H_
#define FEDGAP_CLI_COMMANDS_H_

#include <functional>

#include "common/base/status.h"

namespace CLI {
class App;
}  // namespace CLI

namespace fedgap {

// What the command line asks for: run once, after parsing. Prints its result
// to stdout; an error is printed to stderr by main.
using Action = std::function<Status()>;

// Each declares a subcommand of `app`, whose callback assigns `selected`. Both
// outlive the parsing.
void AddAdminCommand(CLI::App& app, Action& selected);
void AddCertsCommand(CLI::App& app, Action& selected);
void AddCompletionCommand(CLI::App& app, Action& selected);
void AddDashboardCommand(CLI::App& app, Action& selected);
void AddEvaluateCommand(CLI::App& app, Action& selected);
void AddExportCommand(CLI::App& app, Action& selected);
void AddInspectCommand(CLI::App& app, Action& selected);
void AddLogsCommand(CLI::App& app, Action& selected);
void AddManualCommand(CLI::App& app, Action& selected);
void AddPredictCommand(CLI::App& app, Action& selected);
void AddReportCommand(CLI::App& app, Action& selected);
void AddRunsCommand(CLI::App& app, Action& selected);
void AddSimulateCommand(CLI::App& app, Action& selected);
void AddStatusCommand(CLI::App& app, Action& selected);

}  // namespace fedgap

#endif  // FEDGAP_CLI_COMMANDS_H_
