#include "common/usage/self_description.h"

#include <CLI/CLI.hpp>

#include "common/base/version.h"
#include "common/usage/bash_completion.h"
#include "common/usage/manual_page.h"
#include "common/usage/zsh_completion.h"

namespace fedgap {

SelfDescription::SelfDescription(CLI::App& app) : app_(app) {
  app.add_option("--completion", shell_,
                 "Print the completion script of a shell, to be sourced")
      ->type_name("bash|zsh")
      ->check(CLI::IsMember({"bash", "zsh"}).description(""));
  app.add_flag("--manual", manual_,
               "Print the manual page, for `man -l -` and the like");
}

std::optional<std::string> SelfDescription::Asked() const {
  if (manual_) return Manual(app_);
  if (!shell_.empty()) return Completion(app_, shell_);
  return std::nullopt;
}

std::string Completion(const CLI::App& app, const std::string& shell) {
  const CommandSpec program = DescribeCommand(app);
  return shell == "zsh" ? ZshCompletion(program) : BashCompletion(program);
}

std::string Manual(const CLI::App& app) {
  return ManualPage(DescribeCommand(app), SoftwareVersion());
}

}  // namespace fedgap
