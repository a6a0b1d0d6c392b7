#include "common/usage/command_spec.h"

#include <CLI/CLI.hpp>
#include <algorithm>

namespace fedgap {
namespace {

struct TypeName {
  std::string value;
  std::string range;
};

// CLI11 puts what a validator says behind a colon: "INT:INT in [1 - 9]". A
// colon may also be part of the name: "HOST:PORT".
TypeName SplitTypeName(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return {text, ""};
  const std::string rest = text.substr(colon + 1);
  const auto range = rest.find(" in [");
  if (range != std::string::npos) {
    return {text.substr(0, colon), rest.substr(range + 1)};
  }
  if (rest == "NONNEGATIVE") return {text.substr(0, colon), "0 or more"};
  if (rest == "POSITIVE") return {text.substr(0, colon), "above 0"};
  return {text, ""};
}

std::vector<std::string> SplitChoices(const std::string& value) {
  std::vector<std::string> choices;
  std::size_t begin = 0;
  for (std::size_t bar = 0; bar != std::string::npos; begin = bar + 1) {
    bar = value.find('|', begin);
    choices.push_back(value.substr(begin, bar - begin));
  }
  return choices;
}

ValueKind KindOf(const std::string& value) {
  if (value == "FILE" || value == "PATH" || value == "MODEL") {
    return ValueKind::kFile;
  }
  if (value == "DIR") return ValueKind::kDirectory;
  if (value == "RUN") return ValueKind::kRun;
  if (value == "DATA") return ValueKind::kData;
  return value.find('|') == std::string::npos ? ValueKind::kText
                                              : ValueKind::kChoice;
}

ArgumentSpec DescribeArgument(const CLI::Option& option) {
  ArgumentSpec argument{.help = option.get_description(),
                        .default_text = option.get_default_str(),
                        .required = option.get_required()};
  if (option.get_positional()) {
    argument.names = {option.get_name(true)};
  } else {
    for (const std::string& name : option.get_snames()) {
      argument.names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
      argument.names.push_back("--" + name);
    }
  }
  if (option.get_items_expected_max() == 0) return argument;
  const TypeName type = SplitTypeName(option.get_type_name());
  argument.value = type.value;
  argument.range = type.range;
  argument.kind = KindOf(type.value);
  if (argument.kind == ValueKind::kChoice) {
    argument.choices = SplitChoices(type.value);
  }
  argument.repeats = option.get_items_expected_max() > 1;
  return argument;
}

CommandSpec Describe(const CLI::App& app, const std::string& prefix) {
  CommandSpec command{.name = app.get_name(),
                      .full_name = prefix + app.get_name(),
                      .help = app.get_description(),
                      .footer = app.get_footer()};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    (option->get_positional() ? command.arguments : command.options)
        .push_back(DescribeArgument(*option));
  }
  for (const CLI::App* subcommand : app.get_subcommands(nullptr)) {
    if (subcommand->get_group().empty()) continue;
    command.subcommands.push_back(
        Describe(*subcommand, command.full_name + " "));
  }
  return command;
}

}  // namespace

CommandSpec DescribeCommand(const CLI::App& app) { return Describe(app, ""); }

}  // namespace fedgap
