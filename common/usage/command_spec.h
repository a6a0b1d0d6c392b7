// A program's command line as data, taken from the CLI11 App that parses it:
// what completion scripts and manual pages are made of, so that they say what
// --help says.
#ifndef FEDGAP_COMMON_USAGE_COMMAND_SPEC_H_
#define FEDGAP_COMMON_USAGE_COMMAND_SPEC_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own
class App;
}  // namespace CLI

namespace fedgap {

// Those that have a completion script and a manual page.
inline constexpr std::array<std::string_view, 3> kPrograms = {
    "fedgap", "fedgap-client", "fedgap-server"};

// What completes a value. It follows from the option's type name: FILE, PATH
// and MODEL, DIR, RUN, DATA, or the choices themselves, "bash|zsh".
enum class ValueKind {
  kText,  // anything else: nothing can be offered
  kFile,
  kDirectory,
  kRun,   // a run's directory, or a log
  kData,  // a data set: fashion-mnist, folder:DIR, ...
  kChoice,
};

// An option or a positional argument.
struct ArgumentSpec {
  // "-o", "--out"; of a positional one, "run".
  std::vector<std::string> names = {};
  std::string value = {};  // "FILE"; "" of a flag
  ValueKind kind = ValueKind::kText;
  std::vector<std::string> choices = {};  // of kChoice
  std::string range = {};                 // "in [1 - 9]"; "" for any
  std::string help;
  std::string default_text;  // "": none that is worth showing
  bool required = false;
  bool repeats = false;
};

struct CommandSpec {
  std::string name;                        // "issue"
  std::string full_name;                   // "fedgap certs issue"
  std::string help;                        // one or two sentences
  std::string footer;                      // text, then "Examples:" and lines
  std::vector<ArgumentSpec> options = {};  // hidden ones are left out
  std::vector<ArgumentSpec> arguments = {};
  std::vector<CommandSpec> subcommands = {};
};

// `app` and its subcommands, as they are declared.
CommandSpec DescribeCommand(const CLI::App& app);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_USAGE_COMMAND_SPEC_H_
