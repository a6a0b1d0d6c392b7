#include "common/usage/zsh_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace fedgap {
namespace {

// {0} is what the functions' names begin with, {1} the program.
constexpr char kZshHead[] = R"sh(#compdef {1}
# Completion of {1}, made from its own command line.

# Runs whose path begins so, here and one level down; else what may lead to
# one, and logs.
{0}_runs() {{
  local -a found
  found=(${{(Q)PREFIX}}*/state.db(N:h) ${{(Q)PREFIX}}*/*/state.db(N:h))
  if (( $#found )); then
    compadd -f -- $found
  else
    _files -g '*(-/) *.jsonl'
  fi
}}

{0}_data() {{
  if compset -P '(folder|idx):'; then
    _files -/
  else
    compadd -- fashion-mnist
    compadd -S '' -- folder: idx: synthetic:
  fi
}}
)sh";

// Of fedgap alone: {0} as above, {1} the other programs.
constexpr char kZshOthers[] = R"sh(
# The other programs print their own scripts, when one is completed first.
{0}_other() {{
  local name=${{words[1]:t}} script
  script=$(command $name --completion zsh 2>/dev/null) || return 1
  eval $script
  $_comps[$name]
}}
for {0}_name in {1}; do
  (( $+_comps[${0}_name] )) || compdef {0}_other ${0}_name
done
unset {0}_name
)sh";

// {0} is the program's function, {1} the program.
constexpr char kZshTail[] = R"sh(
if [[ $funcstack[1] == {0} ]]; then
  {0} "$@"
else
  compdef {0} {1}
fi
)sh";

// `text` with a backslash before each of `special`.
std::string Escape(std::string_view text, std::string_view special) {
  std::string escaped;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

// `text` as one word of the shell.
std::string Quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

std::string ActionOf(const ArgumentSpec& argument, const std::string& prefix) {
  switch (argument.kind) {
    case ValueKind::kText:
      break;
    case ValueKind::kFile:
      return "_files";
    case ValueKind::kDirectory:
      return "_files -/";
    case ValueKind::kRun:
      return prefix + "_runs";
    case ValueKind::kData:
      return prefix + "_data";
    case ValueKind::kChoice:
      return fmt::format("({})", fmt::join(argument.choices, " "));
  }
  return " ";
}

// One _arguments specification for each name of the option.
std::string OptionSpecs(const ArgumentSpec& option, const std::string& prefix) {
  std::string specs;
  for (const std::string& name : option.names) {
    std::string spec = option.repeats
                           ? "*"
                           : fmt::format("({})", fmt::join(option.names, " "));
    spec += name;
    if (!option.value.empty() && name.starts_with("--")) spec += '=';
    spec += fmt::format("[{}]", Escape(option.help, "\\[]:"));
    if (!option.value.empty()) {
      spec += fmt::format(":{}:{}", Escape(option.value, "\\:"),
                          ActionOf(option, prefix));
    }
    specs += fmt::format(" \\\n    {}", Quote(spec));
  }
  return specs;
}

std::string FunctionOf(const CommandSpec& command) {
  std::string name = "_" + command.full_name;
  std::ranges::replace(name, '-', '_');
  for (auto at = name.find(' '); at != std::string::npos; at = name.find(' ')) {
    name.replace(at, 1, "__");
  }
  return name;
}

// The cases that lead on to the subcommands.
std::string SubcommandCases(const CommandSpec& command) {
  std::string list;
  std::string cases;
  for (const CommandSpec& each : command.subcommands) {
    list += fmt::format(
        "        {}\n",
        Quote(fmt::format("{}:{}", each.name, Escape(each.help, "\\"))));
    cases += fmt::format("        {}) {} ;;\n", each.name, FunctionOf(each));
  }
  return fmt::format(
      "  case $state in\n"
      "    command)\n      commands=(\n{}      )\n"
      "      _describe -t commands command commands\n      ;;\n"
      "    rest)\n      case $line[1] in\n{}      esac\n      ;;\n  esac\n",
      list, cases);
}

std::string Functions(const CommandSpec& command, const std::string& prefix) {
  std::string text = fmt::format("\n{}() {{\n", FunctionOf(command));
  const bool leads_on = !command.subcommands.empty();
  if (leads_on) {
    text +=
        "  local curcontext=$curcontext state line\n  local -a commands\n"
        "  typeset -A opt_args\n";
  }
  text += leads_on ? "  _arguments -C -s -S" : "  _arguments -s -S";
  for (const ArgumentSpec& option : command.options) {
    text += OptionSpecs(option, prefix);
  }
  for (const ArgumentSpec& argument : command.arguments) {
    const std::string place = argument.repeats ? "*" : "";
    text += fmt::format(" \\\n    {}",
                        Quote(fmt::format("{}:{}:{}", place,
                                          Escape(argument.names.front(), "\\:"),
                                          ActionOf(argument, prefix))));
  }
  if (leads_on) text += " \\\n    '1: :->command' '*:: :->rest'";
  text += '\n';
  if (leads_on) text += SubcommandCases(command);
  text += "}\n";
  for (const CommandSpec& each : command.subcommands) {
    text += Functions(each, prefix);
  }
  return text;
}

}  // namespace

std::string ZshCompletion(const CommandSpec& program) {
  const std::string prefix = FunctionOf(program);
  std::string script = fmt::format(kZshHead, prefix, program.name);
  script += Functions(program, prefix);
  if (program.name == kPrograms.front()) {
    script += fmt::format(
        kZshOthers, prefix,
        fmt::to_string(fmt::join(kPrograms.begin() + 1, kPrograms.end(), " ")));
  }
  return script + fmt::format(kZshTail, prefix, program.name);
}

}  // namespace fedgap
