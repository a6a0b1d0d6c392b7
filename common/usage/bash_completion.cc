#include "common/usage/bash_completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace fedgap {
namespace {

// Before the tables. PROGRAM stands for its name, @_ for what the functions'
// names begin with.
constexpr char kBashHead[] = R"sh(# shellcheck shell=bash
# Completion of PROGRAM, made from its own command line.

)sh";

// Behind the tables.
constexpr char kBashBody[] = R"sh(
# Sets words to those up to the cursor. Neither = nor : parts them, whatever
# COMP_WORDBREAKS says.
@_words() {
  local line=${COMP_LINE:0:COMP_POINT} blanks word i
  words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    blanks=${line%%[![:space:]]*}
    line=${line#"$blanks"}
    word=${COMP_WORDS[i]}
    ((i < COMP_CWORD)) || word=$line
    if ((i > 0)) && [[ -z $blanks ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    line=${line#"$word"}
  done
}

# Runs whose path begins with $1, here and one level down; else what may lead
# to one, and logs. In a process of its own, for shopt.
@_runs() (
  shopt -s nullglob
  found=("$1"*/state.db "$1"*/*/state.db)
  if ((${#found[@]} > 0)); then
    printf '%s\n' "${found[@]%/state.db}"
  else
    compgen -d -- "$1"
    compgen -f -X '!*.jsonl' -- "$1"
  fi
)

# @_candidates KIND BEGINNING: one a line.
@_candidates() {
  case $1 in
    run) @_runs "$2" ;;
    dir) compgen -d -- "$2" ;;
    file) compgen -f -- "$2" ;;
    data)
      case $2 in
        folder:* | idx:*) compgen -P "${2%%:*}:" -d -- "${2#*:}" ;;
        *) compgen -W 'fashion-mnist folder: idx: synthetic:' -- "$2" ;;
      esac
      ;;
    'words '*) compgen -W "${1#words }" -- "$2" ;;
  esac
}

# Sets kind to what the next positional argument is: $1 of them are there.
@_argument() {
  local last=$((${#arguments[@]} - 1))
  if ((last >= 0 && $1 <= last)); then
    kind=${arguments[$1]%...}
  elif ((last >= 0)) && [[ ${arguments[last]} == *... ]]; then
    kind=${arguments[last]%...}
  else
    kind="words $options"
  fi
}

@_complete() {
  local words subcommands options arguments
  local path='PROGRAM' kind='' option='' lead='' literal='' taken=0 cur word i
  @_words
  cur=${words[${#words[@]} - 1]}
  @_command "$path"
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    word=${words[i]}
    if [[ -n $option ]]; then
      option=''
    elif [[ -z $literal && $word == -- ]]; then
      literal=yes
    elif [[ -z $literal && $word == -* ]]; then
      if @_value "$path" "$word"; then option=$word; fi
    elif [[ " $subcommands " == *" $word "* ]]; then
      path+=" $word"
      @_command "$path"
    else
      taken=$((taken + 1))
    fi
  done
  if [[ -n $option ]]; then
    @_value "$path" "$option"
  elif [[ -z $literal && $cur == --*=* ]]; then
    lead=${cur%%=*}=
    cur=${cur#*=}
    @_value "$path" "${lead%=}" || kind=''
  elif [[ -z $literal && $cur == -* ]]; then
    kind="words $options"
  elif [[ -n $subcommands ]]; then
    kind="words $subcommands"
  else
    @_argument "$taken"
  fi
  # Readline replaces only what follows the last = or : that breaks words; one
  # behind a backslash or in quotes does not.
  local breaks=${COMP_WORDBREAKS//[!=:]/} typed=$lead$cur begun=''
  local masked=${typed//\\?/xx}
  if [[ $cur == [\"\']* ]]; then
    cur=${cur:1}
  else
    cur=${cur//\\/}
    if [[ -n $breaks ]]; then begun=${masked%"${masked##*["$breaks"]}"}; fi
    begun=${typed:0:${#begun}}
    begun=${begun//\\/}
  fi
  mapfile -t COMPREPLY < <(@_candidates "$kind" "$cur")
  for i in "${!COMPREPLY[@]}"; do
    word=$lead${COMPREPLY[i]}
    COMPREPLY[i]=${word#"$begun"}
  done
  # Not in a shell that is only asked what there is (a test).
  case $kind in
    run | dir | file) compopt -o filenames 2>/dev/null ;;
    data)
      compopt -o nospace 2>/dev/null
      if [[ $cur == *:* ]]; then compopt -o filenames 2>/dev/null; fi
      ;;
  esac
  return 0
}

complete -F @_complete PROGRAM
)sh";

// Of fedgap alone; {} is where the others' names go.
constexpr char kBashOthers[] = R"sh(
# The other programs print their own scripts, when one is completed first. The
# one on the PATH is asked: a path that is only typed is not run.
@_other() {
  local script
  script=$(command "${1##*/}" --completion bash 2>/dev/null) || return 1
  eval "$script"
  return 124
}
for @_name in {}; do
  complete -p "$@_name" >/dev/null 2>&1 || complete -F @_other "$@_name"
done
unset @_name
)sh";

std::string KindWord(const ArgumentSpec& argument) {
  switch (argument.kind) {
    case ValueKind::kText:
      break;
    case ValueKind::kFile:
      return "file";
    case ValueKind::kDirectory:
      return "dir";
    case ValueKind::kRun:
      return "run";
    case ValueKind::kData:
      return "data";
    case ValueKind::kChoice:
      return fmt::format("words {}", fmt::join(argument.choices, " "));
  }
  return "text";
}

// Cases of @_command: what there is at a place in the command line.
std::string CommandCases(const CommandSpec& command) {
  std::vector<std::string> subcommands;
  for (const CommandSpec& each : command.subcommands) {
    subcommands.push_back(each.name);
  }
  std::vector<std::string> options;
  for (const ArgumentSpec& option : command.options) {
    options.insert(options.end(), option.names.begin(), option.names.end());
  }
  std::string arguments;
  for (const ArgumentSpec& argument : command.arguments) {
    arguments += fmt::format("{}'{}{}'", arguments.empty() ? "" : " ",
                             KindWord(argument), argument.repeats ? "..." : "");
  }
  std::string cases = fmt::format(
      "    '{}')\n      subcommands='{}'\n      options='{}'\n"
      "      arguments=({})\n      ;;\n",
      command.full_name, fmt::join(subcommands, " "), fmt::join(options, " "),
      arguments);
  for (const CommandSpec& each : command.subcommands) {
    cases += CommandCases(each);
  }
  return cases;
}

// Cases of @_value: what an option's value is.
std::string ValueCases(const CommandSpec& command) {
  std::string cases;
  for (const ArgumentSpec& option : command.options) {
    if (option.value.empty()) continue;
    std::vector<std::string> patterns;
    for (const std::string& name : option.names) {
      patterns.push_back(fmt::format("'{} {}'", command.full_name, name));
    }
    cases += fmt::format("    {}) kind='{}' ;;\n", fmt::join(patterns, " | "),
                         KindWord(option));
  }
  for (const CommandSpec& each : command.subcommands) cases += ValueCases(each);
  return cases;
}

// `text` with the program's name and the functions' prefix filled in.
std::string FillIn(std::string text, const std::string& program) {
  std::string prefix = "_" + program + "_";
  std::ranges::replace(prefix, '-', '_');
  const auto replace = [&text](std::string_view from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  };
  replace("@_", prefix);
  replace("PROGRAM", program);
  return text;
}

}  // namespace

std::string BashCompletion(const CommandSpec& program) {
  const std::string tables =
      "# @_command PATH: sets subcommands, options and arguments, the kinds "
      "of\n"
      "# its positional arguments; \"...\": as many as one likes.\n"
      "@_command() {\n  case $1 in\n" +
      CommandCases(program) +
      "  esac\n}\n\n"
      "# @_value PATH OPTION: sets kind; fails for what takes no value.\n"
      "@_value() {\n  case \"$1 $2\" in\n" +
      ValueCases(program) + "    *) return 1 ;;\n  esac\n}\n";
  std::string script = kBashHead + tables + kBashBody;
  if (program.name == kPrograms.front()) {
    const std::string others = fmt::format(
        "{}", fmt::join(kPrograms.begin() + 1, kPrograms.end(), " "));
    std::string text = kBashOthers;
    script += text.replace(text.find("{}"), 2, others);
  }
  return FillIn(std::move(script), program.name);
}

}  // namespace fedgap
