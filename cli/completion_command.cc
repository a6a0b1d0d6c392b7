// `fedgap completion` and `fedgap manual`: the command line, described by
// itself.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "cli/commands.h"
#include "common/usage/self_description.h"

namespace fedgap {

void AddCompletionCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "completion", "Prints what completes commands in a shell.");
  auto shell = std::make_shared<std::string>();
  command->add_option("shell", *shell, "The shell that is to read it")
      ->type_name("bash|zsh")
      ->check(CLI::IsMember({"bash", "zsh"}).description(""))
      ->required();
  command->footer(
      "cmake --install puts these scripts where the shells look for them. By\n"
      "hand, in ~/.bashrc or, after compinit, in ~/.zshrc, the line below. It\n"
      "completes fedgap-server and fedgap-client as well; each of them prints\n"
      "its own script with --completion.\n\n"
      "Examples:\n"
      "  source <(fedgap completion bash)\n"
      "  source <(fedgap completion zsh)");
  command->callback([shell, &app, &selected] {
    selected = [shell, &app] {
      fmt::print("{}", Completion(app, *shell));
      return absl::OkStatus();
    };
  });
}

void AddManualCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "manual", "Prints the manual page, fedgap(1), in roff.");
  command->footer(
      "cmake --install puts it where man looks for it.\n\n"
      "Examples:\n"
      "  fedgap manual | man -l -");
  command->callback([&app, &selected] {
    selected = [&app] {
      fmt::print("{}", Manual(app));
      return absl::OkStatus();
    };
  });
}

}  // namespace fedgap
