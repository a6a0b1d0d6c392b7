// Runs the real `fedgap report` on logs made by hand, and opens what it wrote
// in a real browser where there is one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "tests/testing/process.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kBrowser = "/usr/bin/chromium";

class ReportCommandTest : public ::testing::Test {
 protected:
  static std::string GoldenLog() {
    return ReadFileText(SourceDir() / "tests/golden/events/small.jsonl")
        .value();
  }
  // A log with `from` replaced by `to`, as a file.
  std::string MakeLog(const std::string& name, const std::string& from = "",
                      const std::string& to = "") {
    std::string log = GoldenLog();
    for (auto at = from.empty() ? log.npos : log.find(from); at != log.npos;
         at = log.find(from, at + to.size())) {
      log.replace(at, from.size(), to);
    }
    const auto path = dir_ / (name + ".jsonl");
    EXPECT_OK(WriteFileAtomic(path, std::string_view(log)));
    return path.string();
  }
  std::string MakeReport(std::vector<std::string> logs) {
    std::vector<std::string> words = {FEDGAP_TOOL, "report"};
    words.insert(words.end(), logs.begin(), logs.end());
    words.insert(words.end(), {"-o", Out()});
    const ProgramResult result = RunProgram(words);
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return ReadFileText(Out()).value();
  }
  std::string Out() const { return (dir_ / "report.html").string(); }

  static void Cut(std::string& text, const std::string& from,
                  const std::string& to) {
    for (auto at = text.find(from); at != text.npos; at = text.find(from)) {
      text.erase(at, text.find(to, at) + to.size() - at);
    }
  }
  // A view as a browser has drawn it; its style, scripts
  // and data, which hold every word anyway, are cut out.
  std::string Drawn(const std::string& view) {
    ProgramResult result =
        RunProgram({kBrowser, "--headless=new", "--no-sandbox", "--disable-gpu",
                    "--disable-dev-shm-usage", "--window-size=1280,1500",
                    "--virtual-time-budget=4000",
                    "--user-data-dir=" + (dir_ / "profile").string(),
                    "--dump-dom", "file://" + Out() + "#" + view});
    EXPECT_EQ(result.exit_code, 0) << result.err;
    std::string& page = result.out;
    Cut(page, "<style", "</style>");
    Cut(page, "<script", "</script>");
    return page;
  }

  TempDir dir_;
};

TEST_F(ReportCommandTest, WritesOnePageForSeveralRuns) {
  const std::string page =
      MakeReport({MakeLog("a"), MakeLog("b", "golden-0123", "second-0123")});
  EXPECT_THAT(page, AllOf(HasSubstr("golden-0123456789abcdef"),
                          HasSubstr("second-0123456789abcdef"),
                          HasSubstr("Content-Security-Policy")));
}

TEST_F(ReportCommandTest, SaysWhatIsNotThere) {
  const ProgramResult result =
      RunProgram({FEDGAP_TOOL, "report", (dir_ / "nothing").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("nothing"));
  EXPECT_EQ(RunProgram({FEDGAP_TOOL, "report"}).exit_code, 2);
}

TEST_F(ReportCommandTest, ABrowserDrawsTheNumbersOfTheLog) {
  if (!std::filesystem::exists(kBrowser)) GTEST_SKIP() << "no browser";
  MakeReport({MakeLog("a"), MakeLog("b", "weighting = \\\"client\\\"",
                                    "weighting = \\\"pixels\\\"")});
  EXPECT_THAT(Drawn("overview"),
              AllOf(HasSubstr("73.3 %"), HasSubstr("65.5 %"),
                    HasSubstr("16-24 px"), HasSubstr("5 / 5"),
                    HasSubstr("the delta holds a value that is not finite"),
                    HasSubstr("<canvas")));
  EXPECT_THAT(
      Drawn("resolution"),
      AllOf(HasSubstr("74.2 %"), HasSubstr("0.9933"), HasSubstr(">327<")));
  EXPECT_THAT(Drawn("pooled"), HasSubstr("no pooled vectors beside this log"));
  EXPECT_THAT(Drawn("clients"),
              AllOf(HasSubstr("site-c"), HasSubstr("4 of 4")));
  EXPECT_THAT(Drawn("compare"), AllOf(HasSubstr("aggregation.weighting"),
                                      HasSubstr("\"pixels\"")));
  EXPECT_THAT(Drawn("events"),
              AllOf(HasSubstr("completed after 5 rounds"),
                    HasSubstr("the disk holds less than 1 GB")));
}

TEST_F(ReportCommandTest, ABrowserRunsNothingThatTheLogBrought) {
  if (!std::filesystem::exists(kBrowser)) GTEST_SKIP() << "no browser";
  const std::string attack =
      "</script><img src=x onerror=document.title='owned'>"
      "<script>document.title='owned'</script>";
  MakeReport({MakeLog("a", "site-c", attack)});
  for (const char* view : {"overview", "clients", "events"}) {
    const std::string page = Drawn(view);
    EXPECT_THAT(page, Not(HasSubstr("<img"))) << view;
    EXPECT_THAT(page, Not(HasSubstr("<title>owned"))) << view;
    EXPECT_THAT(page, HasSubstr("&lt;img src=x")) << view;
  }
}

TEST_F(ReportCommandTest, ABrowserSaysWhatOfTheLogIsMissing) {
  if (!std::filesystem::exists(kBrowser)) GTEST_SKIP() << "no browser";
  std::string log = GoldenLog();
  log.resize(log.size() - 30);
  log.insert(log.find('\n') + 1, "{half\n");
  const auto path = dir_ / "torn.jsonl";
  ASSERT_OK(WriteFileAtomic(path, std::string_view(log)));
  MakeReport({path.string()});
  EXPECT_THAT(Drawn("overview"), AllOf(HasSubstr("one line could not be read"),
                                       HasSubstr("the last line is cut off"),
                                       HasSubstr("73.3 %")));
}

}  // namespace
}  // namespace fedgap
