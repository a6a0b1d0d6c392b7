#include "common/config/usage_error.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <vector>

#include "common/base/did_you_mean.h"
#include "common/base/wrong_usage.h"

namespace fedgap {
namespace {

// The subcommand that the words led to.
const CLI::App& Innermost(const CLI::App& app) {
  const std::vector<CLI::App*> chosen = app.get_subcommands();
  return chosen.empty() ? app : Innermost(*chosen.front());
}

std::string FullName(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name()
                           : FullName(*parent) + " " + app.get_name();
}

std::vector<std::string> KnownWords(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    words.push_back(command->get_name());
  }
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      words.push_back("--" + name);
    }
  }
  return words;
}

}  // namespace

int ExitCodeOf(const Status& status) {
  return IsWrongUsage(status) ? kUsageExitCode : kFailedExitCode;
}

std::string DescribeUsageError(const CLI::App* app, const CLI::Error& error) {
  const CLI::App& command = Innermost(*app);
  const std::vector<std::string> unknown = app->remaining(true);
  const std::string what =
      unknown.empty()
          ? std::string(error.what())
          : fmt::format("unknown argument '{}'{}", unknown.front(),
                        DidYouMean(unknown.front(), KnownWords(command)));
  return fmt::format("{}: {}\nSee `{} --help`.\n", app->get_name(), what,
                     FullName(command));
}

}  // namespace fedgap
