// Runs the real `fedgap logs` and `fedgap runs` on a log made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "server/store/directory_lock.h"
#include "tests/testing/golden_log.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

class RunCommandsTest : public ::testing::Test {
 protected:
  static ProgramResult Fedgap(std::vector<std::string> words) {
    words.insert(words.begin(), FEDGAP_TOOL);
    return RunProgram(std::move(words));
  }
  // A run's directory with `log` in it.
  fs::path MakeRun(const std::string& name, const std::string& log) {
    const fs::path run = dir_ / "runs" / name;
    fs::create_directories(run / "events");
    std::ofstream(run / "events/events-000001.jsonl") << log;
    std::ofstream(run / "state.db");
    std::ofstream(run / "config.toml");
    return run;
  }
  // Lines of the result; fails with its error otherwise.
  static std::size_t Lines(const ProgramResult& result) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return static_cast<std::size_t>(std::ranges::count(result.out, '\n'));
  }

  TempDir dir_;
};

TEST_F(RunCommandsTest, LogsShowsEveryEventInALine) {
  const std::string run = MakeRun("golden", GoldenLog()).string();
  const ProgramResult all = Fedgap({"logs", run});
  EXPECT_EQ(Lines(all), 40U);
  EXPECT_THAT(all.out, HasSubstr("2026-11-22T10:00:10.000Z  warning  round 3  "
                                 "update_rejected  site-c  INVALID_ARGUMENT: "
                                 "the delta holds a value"));
  EXPECT_THAT(all.out, Not(HasSubstr("\x1b"))) << "colour without a terminal";
}

TEST_F(RunCommandsTest, LogsFiltersByLevelKindClientAndRound) {
  const std::string run = MakeRun("golden", GoldenLog()).string();
  EXPECT_EQ(Lines(Fedgap({"logs", run, "--level", "warning"})), 4U);
  EXPECT_EQ(Lines(Fedgap({"logs", run, "--kind", "round_committed"})), 5U);
  EXPECT_EQ(Lines(Fedgap({"logs", "--client", "site-d", "--kind",
                          "update_accepted", run})),
            3U);
  EXPECT_EQ(Lines(Fedgap({"logs", run, "--from-round", "5"})), 5U);
  EXPECT_EQ(Lines(Fedgap({"logs", run, "--tail", "3"})), 3U);
  const ProgramResult negative = Fedgap({"logs", run, "--tail", "-1"});
  EXPECT_EQ(negative.exit_code, 2);
  EXPECT_THAT(negative.err, HasSubstr("0 or more"));
  EXPECT_EQ(Lines(Fedgap({"logs", run, "--client", "nobody"})), 0U);
}

TEST_F(RunCommandsTest, LogsAsJsonAreTheLinesThemselves) {
  const std::string run = MakeRun("golden", GoldenLog()).string();
  EXPECT_EQ(Fedgap({"logs", run, "--json"}).out, GoldenLog());
}

TEST_F(RunCommandsTest, LogsRefusesKindsAndLevelsThatDoNotExist) {
  const std::string run = MakeRun("golden", GoldenLog()).string();
  const ProgramResult kind = Fedgap({"logs", run, "--kind", "round_commit"});
  EXPECT_EQ(kind.exit_code, 2);
  EXPECT_THAT(kind.err, HasSubstr("round_committed"));
  const ProgramResult level = Fedgap({"logs", run, "--level", "loud"});
  EXPECT_EQ(level.exit_code, 2);
  EXPECT_THAT(level.err, HasSubstr("use debug, info or warning"));
  EXPECT_EQ(Fedgap({"logs"}).exit_code, 2);
}

TEST_F(RunCommandsTest, LogsShowsATornLogAsFarAsItGoes) {
  std::string log = GoldenLog();
  log.resize(log.size() - 30);
  const ProgramResult result = Fedgap({"logs", MakeRun("torn", log).string()});
  EXPECT_EQ(Lines(result), 39U);
  EXPECT_THAT(result.err, HasSubstr("ends in half a line"));
}

TEST_F(RunCommandsTest, LogsKeepsHostileTextFromTheTerminal) {
  const std::string log = Replaced(GoldenLog(), "the disk holds less than 1 GB",
                                   "\\u001b[2J\\u001b]0;owned\\u0007");
  const ProgramResult result = Fedgap({"logs", MakeRun("x", log).string()});
  EXPECT_EQ(Lines(result), 40U);
  EXPECT_THAT(result.out, Not(HasSubstr("\x1b")));
}

TEST_F(RunCommandsTest, LogsFollowsUntilTheRunIsOver) {
  std::string log = GoldenLog();
  const auto last = log.rfind('\n', log.size() - 2) + 1;
  const fs::path run = MakeRun("golden", log.substr(0, last));
  Process follow({FEDGAP_TOOL, "logs", run.string(), "--follow"});
  ASSERT_TRUE(follow.WaitForLine("final_evaluation"));
  std::ofstream(run / "events/events-000001.jsonl", std::ios::app)
      << log.substr(last);
  const ProgramResult result = follow.Wait();
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("completed after 5 rounds"));
}

TEST_F(RunCommandsTest, RunsListSaysHowEachRunStands) {
  MakeRun("first", GoldenLog());
  const auto half =
      GoldenLog().find("\"type\":\"round_committed\",\"round\":3");
  MakeRun("sweep/seed=2", GoldenLog().substr(0, half));
  const fs::path busy = MakeRun("busy", GoldenLog());
  const auto lock = DirectoryLock::Take(busy / "lock");
  ASSERT_OK(lock);
  fs::create_directories(dir_ / "runs/other");
  const ProgramResult result =
      Fedgap({"runs", "list", (dir_ / "runs").string()});
  EXPECT_EQ(Lines(result), 4U) << result.out;
  EXPECT_THAT(result.out, ContainsRegex("first +completed .* 73.3 % +65.5 %"));
  EXPECT_THAT(result.out, ContainsRegex("seed=2 +interrupted .* 51.7 %"));
  EXPECT_THAT(result.out, ContainsRegex("busy +running "));
}

TEST_F(RunCommandsTest, RunsShowHasTheTableOfGroups) {
  const ProgramResult result =
      Fedgap({"runs", "show", MakeRun("first", GoldenLog()).string()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("golden-0123456789abcdef"),
                                ContainsRegex("<16 px +65.5 %"),
                                HasSubstr("5 rounds in 27.5 s")));
}

TEST_F(RunCommandsTest, RunsCompareShowsWhereTheyDiffer) {
  const std::string first = MakeRun("first", GoldenLog()).string();
  const std::string second =
      MakeRun("second", Replaced(GoldenLog(), "weighting = \\\"client\\\"",
                                 "weighting = \\\"pixels\\\""))
          .string();
  const ProgramResult result = Fedgap({"runs", "compare", first, second});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              ContainsRegex("aggregation.weighting +\"client\" +\"pixels\""));
  EXPECT_THAT(result.out, Not(HasSubstr("run.rounds")));
  EXPECT_THAT(Fedgap({"runs", "compare", first, first}).out,
              HasSubstr("the configurations are the same"));
}

TEST_F(RunCommandsTest, RunsRmRemovesOnlyRunsThatNobodyUses) {
  const fs::path run = MakeRun("first", GoldenLog());
  EXPECT_THAT(Fedgap({"runs", "rm", run.string()}).err, HasSubstr("--yes"));
  {
    const auto lock = DirectoryLock::Take(run / "lock");
    ASSERT_OK(lock);
    EXPECT_THAT(Fedgap({"runs", "rm", run.string(), "--yes"}).err,
                HasSubstr("is in use"));
  }
  EXPECT_THAT(Fedgap({"runs", "rm", dir_.path().string(), "--yes"}).err,
              HasSubstr("no run's directory"));
  const std::string nowhere = (dir_ / "nowhere").string();
  EXPECT_THAT(Fedgap({"runs", "rm", run.string(), nowhere, "--yes"}).err,
              HasSubstr("nothing is removed: " + nowhere + " does not exist"));
  EXPECT_TRUE(fs::exists(run));
  EXPECT_EQ(Fedgap({"runs", "rm", run.string(), "--yes"}).exit_code, 0);
  EXPECT_FALSE(fs::exists(run));
}

}  // namespace
}  // namespace fedgap
