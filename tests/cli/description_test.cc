// What the real programs say of their own command lines: help, completion
// scripts, manual pages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "tests/testing/bash_completer.h"
#include "tests/testing/process.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
namespace fs = std::filesystem;

using Words = std::vector<std::string>;

std::string Program(const std::string& name) {
  return (BinaryDir() / "bin" / name).string();
}

// What the program prints; fails unless it ends well.
std::string Printed(Words words) {
  words.front() = Program(words.front());
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 0) << words.back() << ": " << result.err;
  EXPECT_EQ(result.err, "");
  return result.out;
}

// The subcommands that a --help lists.
Words SubcommandsIn(const std::string& help) {
  Words names;
  std::istringstream lines(help);
  std::string line;
  bool inside = false;
  while (std::getline(lines, line)) {
    if (line == "Subcommands:") {
      inside = true;
    } else if (inside && line.starts_with("  ") && line[2] != ' ') {
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    } else if (line.empty()) {
      inside = false;
    }
  }
  return names;
}

// Every command from `command` down, as it is typed.
std::vector<Words> CommandsFrom(const Words& command) {
  std::vector<Words> all = {command};
  Words help = command;
  help.emplace_back("--help");
  for (const std::string& name : SubcommandsIn(Printed(help))) {
    Words below = command;
    below.push_back(name);
    for (Words& each : CommandsFrom(below)) all.push_back(std::move(each));
  }
  return all;
}

std::string Joined(const Words& words, const std::string& between) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : between) + word;
  }
  return text;
}

TEST(DescriptionTest, EveryHelpHasTheExitCodesAndAnExample) {
  std::vector<Words> commands = CommandsFrom({"fedgap"});
  EXPECT_GT(commands.size(), 25U);
  commands.push_back({"fedgap-server"});
  commands.push_back({"fedgap-client"});
  for (const Words& command : commands) {
    Words words = command;
    words.emplace_back("--help");
    const std::string help = Printed(words);
    EXPECT_THAT(help, HasSubstr("\nExit codes: 0 ")) << Joined(command, " ");
    const auto examples = help.find("\nExamples:\n");
    ASSERT_NE(examples, std::string::npos) << Joined(command, " ");
    EXPECT_THAT(help.substr(examples), HasSubstr(Joined(command, " ")));
  }
}

TEST(DescriptionTest, TheManualHasAPartForEverySubcommand) {
  const std::string manual = Printed({"fedgap", "manual"});
  for (const Words& command : CommandsFrom({"fedgap"})) {
    if (command.size() == 1) continue;
    EXPECT_THAT(manual, HasSubstr(".SS \"" + Joined(command, " ") + "\"\n"));
  }
  EXPECT_THAT(manual, HasSubstr(".SH EXIT STATUS\n"));
}

TEST(DescriptionTest, ManualPagesAreSoundRoff) {
  const TempDir dir;
  for (const Words& words :
       {Words{"fedgap", "manual"}, Words{"fedgap-server", "--manual"},
        Words{"fedgap-client", "--manual"}}) {
    const std::string page = (dir / (words.front() + ".1")).string();
    ASSERT_OK(WriteFileAtomic(page, Printed(words)));
    if (!fs::exists("/usr/bin/mandoc")) GTEST_SKIP() << "no mandoc";
    const ProgramResult lint =
        RunProgram({"/usr/bin/mandoc", "-Tlint", "-Wwarning", page});
    // A date would make pages differ from build to build.
    std::istringstream findings(lint.out);
    for (std::string line; std::getline(findings, line);) {
      EXPECT_THAT(line, HasSubstr("missing date")) << words.front();
    }
    const ProgramResult shown =
        RunProgram({"/usr/bin/mandoc", "-Tascii", page});
    EXPECT_EQ(shown.exit_code, 0) << shown.err;
    EXPECT_THAT(shown.out, HasSubstr("--"));
  }
}

class CompletionTest : public ::testing::Test {
 protected:
  CompletionTest() {
    EXPECT_OK(
        WriteFileAtomic(script_, Printed({"fedgap", "completion", "bash"})));
  }
  Words Offers(const std::string& line) {
    return CompleteInBash(script_, line, dir_.path());
  }

  TempDir dir_;
  const fs::path script_ = dir_ / "script.bash";
};

TEST_F(CompletionTest, OffersSubcommands) {
  EXPECT_THAT(Offers("fedgap si"), ElementsAre("simulate"));
  EXPECT_THAT(Offers("fedgap s"), ElementsAre("simulate", "status"));
  EXPECT_THAT(Offers("fedgap certs re"), ElementsAre("revoke"));
}

TEST_F(CompletionTest, OffersOptionsAndTheirValues) {
  EXPECT_THAT(Offers("fedgap simulate --re"),
              ElementsAre("--replay", "--resume"));
  EXPECT_THAT(Offers("fedgap export x --"),
              IsSupersetOf({"--csv", "--tensorboard", "--force"}));
  EXPECT_THAT(Offers("fedgap logs --level w"), ElementsAre("warning"));
  EXPECT_THAT(Offers("fedgap certs issue ca --role "),
              ElementsAre("admin", "client", "evaluator", "server"));
  EXPECT_THAT(Offers("fedgap completion "), ElementsAre("bash", "zsh"));
}

TEST_F(CompletionTest, OffersRunsAndDirectories) {
  fs::create_directories(dir_ / "runs/first");
  ASSERT_OK(
      WriteFileAtomic(dir_ / "runs/first/state.db", std::string_view("x")));
  EXPECT_THAT(Offers("fedgap report r"), ElementsAre("runs/first"));
  EXPECT_THAT(Offers("fedgap simulate --resume "), ElementsAre("runs/first"));
  EXPECT_THAT(Offers("fedgap export runs/first --csv r"), ElementsAre("runs"));
  EXPECT_THAT(Offers("fedgap simulate --config s"), ElementsAre("script.bash"));
}

TEST_F(CompletionTest, AsksTheOtherProgramsForTheirs) {
  const std::string path = std::getenv("PATH");
  ASSERT_EQ(::setenv("PATH",
                     ((BinaryDir() / "bin").string() + ":" + path).c_str(), 1),
            0);
  EXPECT_THAT(Offers("fedgap-server --res"), ElementsAre("--resume"));
  EXPECT_THAT(Offers("fedgap-client --split "),
              ElementsAre("all", "test", "train"));
  EXPECT_THAT(Offers("/no/such/fedgap-server --run"), ElementsAre("--run-dir"))
      << "the one on the PATH is asked";
  ASSERT_EQ(::setenv("PATH", path.c_str(), 1), 0);
}

TEST_F(CompletionTest, EachProgramsScriptsAreClean) {
  for (const char* name : {"fedgap-server", "fedgap-client"}) {
    ASSERT_OK(
        WriteFileAtomic(script_, Printed({name, "--completion", "bash"})));
    EXPECT_THAT(Offers(name + std::string(" --log-l")),
                ElementsAre("--log-level"));
    EXPECT_EQ(RunProgram({"/bin/bash", "-n", script_.string()}).err, "");
  }
  ASSERT_OK(
      WriteFileAtomic(script_, Printed({"fedgap", "completion", "bash"})));
  if (fs::exists("/usr/bin/shellcheck")) {
    const ProgramResult checked =
        RunProgram({"/usr/bin/shellcheck", script_.string()});
    EXPECT_EQ(checked.exit_code, 0) << checked.out;
  }
  if (!fs::exists("/usr/bin/zsh")) return;
  for (const Words& words : {Words{"fedgap", "completion", "zsh"},
                             Words{"fedgap-server", "--completion", "zsh"},
                             Words{"fedgap-client", "--completion", "zsh"}}) {
    ASSERT_OK(WriteFileAtomic(script_, Printed(words)));
    EXPECT_EQ(RunProgram({"/usr/bin/zsh", "-n", script_.string()}).err, "");
  }
}

TEST(DescriptionTest, AShellThatIsNotKnownIsWrongUsage) {
  EXPECT_EQ(RunProgram({Program("fedgap"), "completion", "fish"}).exit_code, 2);
  EXPECT_EQ(
      RunProgram({Program("fedgap-server"), "--completion", "fish"}).exit_code,
      2);
}

}  // namespace
}  // namespace fedgap
