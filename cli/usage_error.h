// What to say about a command line that makes no sense.
#ifndef FEDGAP_CLI_USAGE_ERROR_H_
#define FEDGAP_CLI_USAGE_ERROR_H_

#include <CLI/App.hpp>
#include <string>

namespace fedgap {

// For CLI::App::failure_message: the unknown word, if there is one, with the
// nearest known one; else what CLI11 says. Ends with the command that shows
// the help of the subcommand in question.
std::string DescribeUsageError(const CLI::App* app, const CLI::Error& error);

}  // namespace fedgap

#endif  // FEDGAP_CLI_USAGE_ERROR_H_
