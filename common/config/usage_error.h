// What to say about a command line that makes no sense.
#ifndef FEDGAP_COMMON_CONFIG_USAGE_ERROR_H_
#define FEDGAP_COMMON_CONFIG_USAGE_ERROR_H_

#include <string>

#include "common/base/status.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own
class App;
class Error;
}  // namespace CLI

namespace fedgap {

// The exit codes of a program: it failed; its command line or configuration
// makes no sense.
inline constexpr int kFailedExitCode = 1;
inline constexpr int kUsageExitCode = 2;

// For an error: kUsageExitCode if it is WrongUsage, else kFailedExitCode.
int ExitCodeOf(const Status& status);

// For CLI::App::failure_message: the unknown word, if there is one, with the
// nearest known one; else what CLI11 says. Ends with the command that shows
// the help of the subcommand in question.
std::string DescribeUsageError(const CLI::App* app, const CLI::Error& error);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_CONFIG_USAGE_ERROR_H_
