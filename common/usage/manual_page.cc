#include "common/usage/manual_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>
#include <vector>

namespace fedgap {
namespace {

// docs/COMMAND_LINE.md has the same table.
constexpr char kExitStatus[] = R"roff(.SH EXIT STATUS
.TP
.B 0
Done. A program that Ctrl\-C or SIGTERM ended in good order, and that can be
gone on with, also ends so.
.TP
.B 1
It failed; the last line on stderr says why and what to do.
.TP
.B 2
The command line makes no sense: an unknown option or command, a value that is
missing or out of range.
.TP
.B 128 + N
Ended by signal N; 130 and 143 after a second Ctrl\-C or SIGTERM.
)roff";

// Text of a line. Only the first character of one can be taken for a request.
std::string Roff(std::string_view text) {
  std::string roff;
  for (const char c : text) {
    if (c == '\\') {
      roff += "\\e";
    } else if (c == '-') {
      roff += "\\-";
    } else {
      roff += c;
    }
  }
  if (roff.starts_with('.') || roff.starts_with('\'')) roff.insert(0, "\\&");
  return roff;
}

// A command that is typed: quotes and the like stay ASCII.
std::string RoffCode(std::string_view text) {
  std::string code;
  for (const char c : Roff(text)) {
    switch (c) {
      case '\'':
        code += "\\(aq";
        break;
      case '`':
        code += "\\(ga";
        break;
      case '^':
        code += "\\(ha";
        break;
      case '~':
        code += "\\(ti";
        break;
      default:
        code += c;
    }
  }
  return code;
}

std::vector<std::string_view> Lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Collects the lines of a footer: paragraphs, and what stands indented as it
// is typed.
class FooterPart {
 public:
  void Add(std::string_view line) {
    if (line.starts_with("  ")) {
      if (!in_code_) text_ += ".PP\n.RS 4\n.EX\n";
      in_code_ = true;
      needs_break_ = false;
      text_ += RoffCode(line.substr(2)) + '\n';
      return;
    }
    EndCode();
    if (line.empty()) {
      needs_break_ = true;
      return;
    }
    if (needs_break_) text_ += ".PP\n";
    needs_break_ = false;
    text_ += Roff(line) + '\n';
  }
  std::string Take() {
    EndCode();
    return std::move(text_);
  }

 private:
  void EndCode() {
    if (in_code_) text_ += ".EE\n.RE\n";
    needs_break_ = needs_break_ || in_code_;
    in_code_ = false;
  }

  std::string text_;
  bool in_code_ = false;
  bool needs_break_ = true;
};

struct Footer {
  std::string text;
  std::string examples;
};

// The exit codes are left out: the page has a table of them.
Footer SplitFooter(const std::string& footer) {
  FooterPart text;
  FooterPart examples;
  FooterPart* part = &text;
  for (const std::string_view line : Lines(footer)) {
    if (line == "Examples:") {
      part = &examples;
    } else if (!line.starts_with("Exit codes:")) {
      part->Add(line);
    }
  }
  return {text.Take(), examples.Take()};
}

std::string OptionText(const ArgumentSpec& option) {
  std::string names;
  for (const std::string& name : option.names) {
    names += fmt::format("{}\\fB{}\\fR", names.empty() ? "" : ", ", Roff(name));
  }
  if (!option.value.empty()) {
    names += fmt::format(" \\fI{}\\fR", Roff(option.value));
  }
  std::string help = Roff(option.help);
  if (!option.range.empty()) {
    help += fmt::format(" ({})", Roff(option.range));
  }
  if (option.required) help += " (required)";
  if (!option.default_text.empty()) {
    help += fmt::format(" (default: {})", Roff(option.default_text));
  }
  return fmt::format(".TP\n{}\n{}\n", names, help);
}

std::string ArgumentText(const ArgumentSpec& argument) {
  return fmt::format(
      ".TP\n\\fI{}\\fR{}\n{}{}\n", Roff(argument.names.front()),
      argument.repeats ? " ..." : "", Roff(argument.help),
      argument.default_text.empty()
          ? ""
          : fmt::format(" (default: {})", Roff(argument.default_text)));
}

// Every subcommand has --help; its own page says so once.
bool IsHelp(const ArgumentSpec& option) {
  return std::ranges::find(option.names, "--help") != option.names.end();
}

std::string Usage(const CommandSpec& command) {
  std::string usage = fmt::format("\\fB{}\\fR", Roff(command.full_name));
  if (!std::ranges::all_of(command.options, IsHelp)) {
    usage += " [\\fIoption\\fR ...]";
  }
  for (const ArgumentSpec& argument : command.arguments) {
    const std::string name =
        fmt::format("\\fI{}\\fR{}", Roff(argument.names.front()),
                    argument.repeats ? " ..." : "");
    usage += argument.required ? " " + name : fmt::format(" [{}]", name);
  }
  if (!command.subcommands.empty()) usage += " \\fIcommand\\fR ...";
  return usage + "\n";
}

std::string ArgumentsOf(const CommandSpec& command, bool with_help) {
  std::string text;
  for (const ArgumentSpec& each : command.arguments) text += ArgumentText(each);
  for (const ArgumentSpec& each : command.options) {
    if (with_help || !IsHelp(each)) text += OptionText(each);
  }
  return text;
}

// A part for the command, and for each below it.
std::string CommandText(const CommandSpec& command) {
  const Footer footer = SplitFooter(command.footer);
  std::string text =
      fmt::format(".SS \"{}\"\n{}.PP\n{}\n", Roff(command.full_name),
                  Usage(command), Roff(command.help));
  text += ArgumentsOf(command, /*with_help=*/false);
  text += footer.text;
  if (!footer.examples.empty()) text += ".PP\nExamples:\n" + footer.examples;
  for (const CommandSpec& each : command.subcommands) text += CommandText(each);
  return text;
}

// "The tool of an operator." as the line of a NAME section.
std::string Headline(std::string_view help) {
  if (help.ends_with('.')) help.remove_suffix(1);
  std::string line(help);
  if (line.size() > 1 &&
      std::islower(static_cast<unsigned char>(line[1])) != 0) {
    line[0] =
        static_cast<char>(std::tolower(static_cast<unsigned char>(line[0])));
  }
  return Roff(line);
}

std::string SeeAlso(const std::string& program) {
  std::string text;
  for (const std::string_view other : kPrograms) {
    if (other == program) continue;
    text +=
        fmt::format("{}\\fB{}\\fR(1)", text.empty() ? "" : ", ", Roff(other));
  }
  return ".SH SEE ALSO\n" + text + "\n";
}

}  // namespace

std::string ManualPage(const CommandSpec& program,
                       const std::string& software) {
  std::string title = program.name;
  std::ranges::transform(title, title.begin(), [](unsigned char c) {
    return static_cast<char>(std::toupper(c));
  });
  const Footer footer = SplitFooter(program.footer);
  std::string page = fmt::format(
      ".\\\" Made from the program's own command line.\n"
      ".TH {} 1 \"\" \"{}\" \"User Commands\"\n"
      ".SH NAME\n{} \\- {}\n.SH SYNOPSIS\n{}.SH DESCRIPTION\n{}\n{}"
      ".SH OPTIONS\n{}",
      Roff(title), Roff(software), Roff(program.name), Headline(program.help),
      Usage(program), Roff(program.help), footer.text,
      ArgumentsOf(program, /*with_help=*/true));
  if (!program.subcommands.empty()) {
    page +=
        ".SH COMMANDS\nEach command also takes \\fB\\-\\-help\\fR, which says "
        "what stands here.\n";
    for (const CommandSpec& each : program.subcommands) {
      page += CommandText(each);
    }
  }
  if (!footer.examples.empty()) {
    // The heading is a break by itself.
    constexpr std::string_view kBreak = ".PP\n";
    page += ".SH EXAMPLES\n" + footer.examples.substr(kBreak.size());
  }
  return page + kExitStatus + SeeAlso(program.name);
}

}  // namespace fedgap
