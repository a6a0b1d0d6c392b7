// Both shells' scripts, run by the shells themselves where they are installed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/base/file_io.h"
#include "common/usage/bash_completion.h"
#include "common/usage/zsh_completion.h"
#include "tests/common/usage/sample_app.h"
#include "tests/testing/bash_completer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
namespace fs = std::filesystem;

class BashCompletionTest : public ::testing::Test {
 protected:
  BashCompletionTest() {
    EXPECT_OK(WriteFileAtomic(
        dir_ / "script", BashCompletion(DescribeCommand(SampleApp().app))));
    work_ = dir_ / "work";
    fs::create_directories(work_ / "runs/first/events");
    fs::create_directories(work_ / "runs/second");
    fs::create_directories(work_ / "runs/sweep/seed=1");
    fs::create_directories(work_ / "runs/sweep/seed=2");
    fs::create_directories(work_ / "images");
    for (const char* name : {"runs/first/state.db", "runs/second/state.db",
                             "copy.jsonl", "runs/sweep/seed=1/state.db",
                             "runs/sweep/seed=2/state.db", "notes.txt"}) {
      std::ofstream(work_ / name) << ' ';
    }
  }
  std::vector<std::string> Offers(const std::string& line) {
    return CompleteInBash(dir_ / "script", line, work_);
  }

  TempDir dir_;
  fs::path work_;
};

TEST_F(BashCompletionTest, OffersSubcommandsOfEachLevel) {
  EXPECT_THAT(Offers("sample-tool "), ElementsAre("certs", "logs"));
  EXPECT_THAT(Offers("sample-tool lo"), ElementsAre("logs"));
  EXPECT_THAT(Offers("sample-tool certs "), ElementsAre("init", "show"));
  EXPECT_THAT(Offers("sample-tool x"), IsEmpty());
}

TEST_F(BashCompletionTest, OffersOptionsOfTheSubcommand) {
  EXPECT_THAT(Offers("sample-tool logs --f"), ElementsAre("--follow"));
  EXPECT_THAT(Offers("sample-tool logs runs/first -"),
              IsSupersetOf({"--level", "--follow", "-f", "--help"}));
  EXPECT_THAT(Offers("sample-tool certs init --r"), ElementsAre("--replace"));
  EXPECT_THAT(Offers("sample-tool --f"), IsEmpty());
  EXPECT_THAT(Offers("sample-tool logs --s"), ElementsAre("--server"))
      << "a hidden option";
}

TEST_F(BashCompletionTest, OffersOptionsWhereNoArgumentIsLeft) {
  EXPECT_THAT(Offers("sample-tool logs runs/first "), Contains("--level"));
}

TEST_F(BashCompletionTest, OffersChoicesInBothSpellings) {
  EXPECT_THAT(Offers("sample-tool logs --level "),
              ElementsAre("debug", "info"));
  EXPECT_THAT(Offers("sample-tool logs --level=d"), ElementsAre("debug"));
  EXPECT_THAT(Offers("sample-tool logs --level="),
              ElementsAre("debug", "info"));
  EXPECT_THAT(Offers("sample-tool logs --server "), IsEmpty());
}

TEST_F(BashCompletionTest, OffersRunsWhereARunIsWanted) {
  EXPECT_THAT(Offers("sample-tool logs "),
              ElementsAre("runs/first", "runs/second"));
  EXPECT_THAT(Offers("sample-tool logs runs/f"), ElementsAre("runs/first"));
  EXPECT_THAT(Offers("sample-tool logs --level info runs/se"),
              ElementsAre("runs/second"));
  EXPECT_THAT(Offers("sample-tool logs co"), ElementsAre("copy.jsonl"));
  EXPECT_THAT(Offers("sample-tool logs runs/first/"),
              ElementsAre("runs/first/events"));
}

TEST_F(BashCompletionTest, AnEqualsSignOrAColonInAWordDoesNotPartIt) {
  // What readline replaces begins behind the last of them.
  EXPECT_THAT(Offers("sample-tool logs runs/sweep/seed="),
              ElementsAre("1", "2"));
  EXPECT_THAT(Offers("sample-tool logs runs/sweep/s"),
              ElementsAre("runs/sweep/seed=1", "runs/sweep/seed=2"));
  EXPECT_THAT(Offers("sample-tool logs --data folder:im"),
              ElementsAre("images"));
}

TEST_F(BashCompletionTest, WhatIsQuotedIsReadWithoutTheQuotes) {
  // Readline takes the whole word for what is replaced.
  EXPECT_THAT(Offers("sample-tool logs runs/sweep/seed\\="),
              ElementsAre("runs/sweep/seed=1", "runs/sweep/seed=2"));
  fs::create_directories(work_ / "two words");
  EXPECT_THAT(Offers("sample-tool certs init two\\ w"),
              ElementsAre("two words"));
  EXPECT_THAT(Offers("sample-tool certs init \"im"), ElementsAre("images"));
}

TEST_F(BashCompletionTest, OffersFilesDirectoriesAndDataSets) {
  EXPECT_THAT(Offers("sample-tool logs -o no"), ElementsAre("notes.txt"));
  EXPECT_THAT(Offers("sample-tool certs init "), ElementsAre("images", "runs"));
  EXPECT_THAT(Offers("sample-tool certs show notes.txt co"),
              ElementsAre("copy.jsonl"))
      << "an argument that may be repeated";
  EXPECT_THAT(Offers("sample-tool logs --data f"),
              ElementsAre("fashion-mnist", "folder:"));
}

TEST_F(BashCompletionTest, TwoHyphensEndTheOptions) {
  EXPECT_THAT(Offers("sample-tool logs -- runs/f"), ElementsAre("runs/first"));
  EXPECT_THAT(Offers("sample-tool logs -- -"), Not(Contains("--level")));
}

TEST_F(BashCompletionTest, IsCleanBash) {
  const std::string script = (dir_ / "script").string();
  EXPECT_EQ(RunProgram({"/bin/bash", "-n", script}).err, "");
  if (!fs::exists("/usr/bin/shellcheck")) GTEST_SKIP() << "no shellcheck";
  const ProgramResult checked = RunProgram({"/usr/bin/shellcheck", script});
  EXPECT_EQ(checked.exit_code, 0) << checked.out;
}

TEST(ZshCompletionTest, DescribesOptionsInOneWordEach) {
  const std::string script = ZshCompletion(DescribeCommand(SampleApp().app));
  EXPECT_THAT(script, HasSubstr("#compdef sample-tool\n"));
  EXPECT_THAT(
      script,
      HasSubstr(R"('(--level)--level=[It'\''s \[this\] or above\: all of it])"
                R"(:debug|info:(debug info)')"));
  EXPECT_THAT(script, HasSubstr("':run:_sample_tool_runs'"));
  EXPECT_THAT(script, HasSubstr("'*:PATH:_files'"));
  EXPECT_THAT(script, HasSubstr("'*--client=["));
}

TEST(ZshCompletionTest, IsCleanZsh) {
  if (!fs::exists("/usr/bin/zsh")) GTEST_SKIP() << "no zsh";
  const TempDir dir;
  const fs::path script = dir / "_sample-tool";
  ASSERT_OK(
      WriteFileAtomic(script, ZshCompletion(DescribeCommand(SampleApp().app))));
  EXPECT_EQ(RunProgram({"/usr/bin/zsh", "-n", script.string()}).err, "");
}

}  // namespace
}  // namespace fedgap
