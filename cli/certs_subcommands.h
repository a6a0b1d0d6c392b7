// The subcommands of `fedgap certs` that have a source file of their own.
#ifndef FEDGAP_CLI_CERTS_SUBCOMMANDS_H_
#define FEDGAP_CLI_CERTS_SUBCOMMANDS_H_

#include "cli/commands.h"

namespace fedgap {

// What --role takes.
inline constexpr char kRoleChoices[] = "client|server|admin|evaluator";

// As in commands.h; `certs` is the command that they belong to.
// invite, serve, enrol.
void AddCertsEnrolment(CLI::App& certs, Action& selected);
void AddCertsList(CLI::App& certs, Action& selected);
void AddCertsRevoke(CLI::App& certs, Action& selected);
void AddCertsShow(CLI::App& certs, Action& selected);

}  // namespace fedgap

#endif  // FEDGAP_CLI_CERTS_SUBCOMMANDS_H_
