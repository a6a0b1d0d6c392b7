// Runs the real `fedgap export` on logs made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "tests/testing/golden_log.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
namespace fs = std::filesystem;

class ExportCommandTest : public ::testing::Test {
 protected:
  // A run's directory with `log` in it; its path.
  std::string MakeRunDirectory(const std::string& name,
                               const std::string& log) {
    const fs::path run = dir_ / name;
    fs::create_directories(run / "events");
    std::ofstream(run / "events/events-000001.jsonl") << log;
    std::ofstream(run / "state.db");
    return run.string();
  }
  static ProgramResult Export(std::vector<std::string> words) {
    words.insert(words.begin(), {FEDGAP_TOOL, "export"});
    return RunProgram(std::move(words));
  }
  // Exports runs as CSV, expecting success.
  ProgramResult ExportCsv(std::vector<std::string> runs) {
    runs.insert(runs.end(), {"--csv", Csv("").string()});
    ProgramResult result = Export(std::move(runs));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return result;
  }
  fs::path Csv(const std::string& name) const { return dir_ / "csv" / name; }
  std::string Table(const std::string& name) const {
    return ReadFileText(Csv(name)).value_or("");
  }
  // Rows of a table below its header that begin with `beginning`.
  std::vector<std::string> Rows(const std::string& name,
                                const std::string& beginning) const {
    std::vector<std::string> rows;
    std::istringstream lines(Table(name));
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
      if (line.starts_with(beginning)) rows.push_back(line);
    }
    return rows;
  }

  TempDir dir_;
};

TEST_F(ExportCommandTest, WritesAMetricARow) {
  ExportCsv({MakeRunDirectory("first", GoldenLog())});
  const std::string table = Table("metrics.csv");
  EXPECT_THAT(table, StartsWith("run,round,metric,group,value\n"));
  EXPECT_THAT(table, AllOf(HasSubstr("\nfirst,1,influence,16-24,"),
                           HasSubstr("\nfirst,1,learning_rate,,0.1\n"),
                           HasSubstr("\nfirst,5,held_out_accuracy,<16,0.65\n"),
                           HasSubstr("\nfirst,5,bytes/up,,")));
}

TEST_F(ExportCommandTest, WritesARoundAndARunARow) {
  ExportCsv({MakeRunDirectory("first", GoldenLog())});
  EXPECT_EQ(Rows("rounds.csv", "first,").size(), 5U);
  EXPECT_THAT(Rows("rounds.csv", "first,3,").at(0),
              StartsWith("first,3,2026-11-22T10:00:13.000Z,2,3,1,departures,"))
      << "two attempts, three contributors, one update refused";
  EXPECT_THAT(Rows("runs.csv", "first,").at(0),
              StartsWith("first,golden-0123456789abcdef,golden,7,completed,"
                         "2026-11-22T10:00:00.500Z,2026-11-22T10:00:20.000Z,"
                         "5,5,gap-cnn-gn,24170,1,17,1,1,"));
}

TEST_F(ExportCommandTest, WritesARowForEachUpdateThatCounts) {
  ExportCsv({MakeRunDirectory("first", GoldenLog())});
  EXPECT_EQ(Rows("clients.csv", "first,").size(), 17U);
  // Of the attempt that was aborted, nothing.
  EXPECT_EQ(Rows("clients.csv", "first,3,").size(), 3U);
  EXPECT_THAT(Rows("clients.csv", "first,1,site-d,").at(0),
              StartsWith("first,1,site-d,>=24,900,1440000,0.25,30,2.5,3,"
                         "100000,"));
}

TEST_F(ExportCommandTest, RoundsThatARestartRanAgainStandOnce) {
  const std::string log = GoldenLog();
  const auto line_begin = [](int line) { return GoldenLog(line - 1).size(); };
  // The first five rounds; a restart after the third; the fourth again.
  std::string again = log.substr(0, line_begin(2));
  again = Replaced(again, "\"last_committed\":0", "\"last_committed\":3");
  ExportCsv({MakeRunDirectory(
      "again",
      GoldenLog(37) + again +
          log.substr(line_begin(27), line_begin(33) - line_begin(27)))});
  EXPECT_EQ(Rows("rounds.csv", "again,").size(), 4U);
  EXPECT_EQ(Rows("clients.csv", "again,4,").size(), 3U);
  EXPECT_TRUE(Rows("clients.csv", "again,5,").empty());
}

TEST_F(ExportCommandTest, HostileNamesAreTextInASpreadsheet) {
  ExportCsv({MakeRunDirectory(
      "first", Replaced(GoldenLog(), "site-c", "=HYPERLINK(\\\"x\\\",1)\\n"))});
  EXPECT_THAT(Table("clients.csv"),
              AllOf(HasSubstr("first,1,\"'=HYPERLINK(\"\"x\"\",1)\n\",>=24,"),
                    Not(HasSubstr(",=HYPER"))));
}

TEST_F(ExportCommandTest, SaysWhatOfADamagedLogIsMissing) {
  std::string log = GoldenLog();
  log.resize(log.size() - 30);
  log.insert(log.find('\n') + 1, "{half\n");
  const fs::path copy = dir_ / "copy.jsonl";
  ASSERT_OK(WriteFileAtomic(copy, std::string_view(log)));
  const ProgramResult result = ExportCsv({copy.string()});
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("1 lines cannot be read"),
                    HasSubstr("ends in half a line"), HasSubstr("copy.jsonl")));
  EXPECT_EQ(Rows("rounds.csv", "copy.jsonl,").size(), 5U);
}

TEST_F(ExportCommandTest, ALogWithoutItsFrontHasNumbersForGroups) {
  const std::string log = GoldenLog().substr(GoldenLog(5).size());
  const ProgramResult result = ExportCsv({MakeRunDirectory("cut", log)});
  EXPECT_THAT(result.err, AllOf(HasSubstr("no run_started event"),
                                HasSubstr("5 lines are missing")));
  EXPECT_THAT(Table("metrics.csv"), HasSubstr("\ncut,1,influence,group 0,"));
}

TEST_F(ExportCommandTest, ARunThatHasJustBegunHasHeadersOnly) {
  const ProgramResult result =
      ExportCsv({MakeRunDirectory("new", GoldenLog(6))});
  EXPECT_THAT(result.err, HasSubstr("no round is committed yet"));
  EXPECT_TRUE(Rows("rounds.csv", "").empty());
  EXPECT_THAT(Rows("runs.csv", "").at(0), HasSubstr(",running,"));
}

TEST_F(ExportCommandTest, ARunThatNobodyHoldsIsInterrupted) {
  const std::string run = MakeRunDirectory("killed", GoldenLog(32));
  std::ofstream(fs::path(run) / "config.toml");
  ExportCsv({run});
  EXPECT_THAT(Rows("runs.csv", "").at(0), HasSubstr(",interrupted,"));
}

TEST_F(ExportCommandTest, RunsOfOneNameAreToldApart) {
  const std::string a = MakeRunDirectory("a/seed=1", GoldenLog());
  const std::string b = MakeRunDirectory("b/seed=1", GoldenLog());
  ExportCsv({a, b + "/events"});
  EXPECT_EQ(Rows("rounds.csv", "a/seed=1,").size(), 5U);
  EXPECT_EQ(Rows("rounds.csv", "b/seed=1,").size(), 5U);
  const ProgramResult twice = Export({a, a + "/events/events-000001.jsonl",
                                      "--csv", Csv("").string(), "--force"});
  EXPECT_EQ(twice.exit_code, 1);
  EXPECT_THAT(twice.err, HasSubstr("this run is named twice"));
}

TEST_F(ExportCommandTest, KeepsFilesThatExistUnlessItIsForced) {
  const std::string run = MakeRunDirectory("first", GoldenLog());
  const std::string boards = (dir_ / "boards").string();
  fs::create_directories(Csv(""));
  std::ofstream(Csv("metrics.csv")) << "mine";
  const std::vector<std::string> words = {run, "--csv", Csv("").string(),
                                          "--tensorboard", boards};
  const ProgramResult refused = Export(words);
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, AllOf(HasSubstr(Csv("metrics.csv").string()),
                                 HasSubstr("--force")));
  EXPECT_EQ(Table("metrics.csv"), "mine");
  EXPECT_FALSE(fs::exists(Csv("runs.csv"))) << "all or nothing";
  std::vector<std::string> forced = words;
  forced.emplace_back("--force");
  EXPECT_EQ(Export(forced).exit_code, 0);
  EXPECT_EQ(Export(forced).exit_code, 0) << "and again";
  EXPECT_THAT(Table("metrics.csv"), StartsWith("run,"));
  const ProgramResult board = Export({run, "--tensorboard", boards});
  EXPECT_EQ(board.exit_code, 1);
  EXPECT_THAT(board.err, HasSubstr("tfevents"));
  EXPECT_EQ(std::distance(fs::directory_iterator(Csv("")), {}), 4);
}

TEST_F(ExportCommandTest, NeedsARunAndAPlaceToWrite) {
  const std::string run = MakeRunDirectory("first", GoldenLog());
  const ProgramResult nowhere = Export({run});
  EXPECT_EQ(nowhere.exit_code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("--csv DIR, --tensorboard DIR"));
  EXPECT_EQ(Export({"--csv", Csv("").string()}).exit_code, 2);
  const ProgramResult nothing =
      Export({(dir_ / "none").string(), "--csv", Csv("").string()});
  EXPECT_EQ(nothing.exit_code, 1);
  EXPECT_THAT(nothing.err, HasSubstr((dir_ / "none").string()));
}

// Read back by a reader of its own in Python, and compared with the table.
TEST_F(ExportCommandTest, TensorboardFilesHoldTheNumbersOfTheTable) {
  if (!fs::exists("/usr/bin/python3")) GTEST_SKIP() << "no python3";
  const std::string run = MakeRunDirectory("first", GoldenLog());
  const ProgramResult result =
      Export({run, "--tensorboard", (dir_ / "boards").string(), "--csv",
              Csv("").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const fs::path board =
      dir_ / "boards/first/events.out.tfevents.1795341600.fedgap";
  const ProgramResult read =
      RunProgram({"/usr/bin/python3",
                  (SourceDir() / "tests/cli/read_event_file.py").string(),
                  board.string()});
  ASSERT_EQ(read.exit_code, 0) << read.err;
  EXPECT_THAT(read.out,
              HasSubstr("5\t1795341618.5\theld_out_accuracy/group/<16\t"));

  std::map<std::string, float> of_table;  // by "ROUND TAG"
  for (const std::string& row : Rows("metrics.csv", "first,")) {
    std::vector<std::string> fields;
    std::istringstream text(row);
    for (std::string field; std::getline(text, field, ',');) {
      fields.push_back(field);
    }
    ASSERT_EQ(fields.size(), 5U) << row;
    const std::string group = fields[3].empty() ? "" : "/group/" + fields[3];
    of_table[fields[1] + " " + fields[2] + group] = std::stof(fields[4]);
  }
  std::size_t scalars = 0;
  std::istringstream lines(read.out);
  for (std::string line; std::getline(lines, line); ++scalars) {
    std::vector<std::string> fields;
    std::istringstream text(line);
    for (std::string field; std::getline(text, field, '\t');) {
      fields.push_back(field);
    }
    const auto number = of_table.find(fields.at(0) + " " + fields.at(2));
    ASSERT_NE(number, of_table.end()) << line;
    EXPECT_EQ(number->second, std::stof(fields.at(3))) << line;
  }
  EXPECT_EQ(scalars, of_table.size());
  EXPECT_GT(scalars, 100U);
}

}  // namespace
}  // namespace fedgap
