// Runs the real `fedgap report` on logs made by hand, and opens what it wrote
// in a real browser where there is one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "common/base/file_io.h"
#include "common/tensor/safetensors.h"
#include "tests/testing/browser.h"
#include "tests/testing/golden_log.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ReportCommandTest : public ::testing::Test {
 protected:
  // A log with `from` replaced by `to`, as a file.
  std::string MakeLog(const std::string& name, const std::string& from = "",
                      const std::string& to = "") {
    const std::string log =
        from.empty() ? GoldenLog() : Replaced(GoldenLog(), from, to);
    const auto path = dir_ / (name + ".jsonl");
    EXPECT_OK(WriteFileAtomic(path, std::string_view(log)));
    return path.string();
  }
  // A run's directory with four clients' pooled vectors of one round: about
  // their mean +-2 along one axis and +-1 along another, and the prototypes of
  // two classes 5 apart.
  std::string MakeRunWithPooledVectors() {
    const auto run = dir_ / "run";
    std::filesystem::create_directories(run / "events");
    std::filesystem::create_directories(run / "pooled");
    EXPECT_OK(WriteFileAtomic(run / "events/events-000001.jsonl",
                              std::string_view(GoldenLog())));
    const std::vector<std::pair<std::string, std::vector<float>>> means = {
        {"site-a/g0", {3, 1, 1}},
        {"site-b/g0", {-1, 1, 1}},
        {"site-c/g1", {1, 1, 2}},
        {"site-d/g1", {1, 1, 0}}};
    const std::vector<float> class_means = {0, 0, 0, 3, 4, 0};
    const std::vector<std::int64_t> class_counts = {10, 10};
    SafetensorsWriter writer;
    for (const auto& [owner, mean] : means) {
      writer.Add(owner + "/mean", Shape({3}), mean);
      writer.Add(owner + "/class_means", Shape({2, 3}), class_means);
      writer.Add(owner + "/class_counts", Shape({2}), class_counts);
    }
    EXPECT_OK(WriteFileAtomic(run / "pooled/round-000005.safetensors",
                              writer.Finish()));
    return run.string();
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

  void Open(Browser& browser, const std::string& view) {
    browser.Open("file://" + Out() + "#" + view);
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
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a"), MakeLog("b", "weighting = \\\"client\\\"",
                                    "weighting = \\\"pixels\\\"")});
  Browser browser;
  Open(browser, "overview");
  EXPECT_THAT(browser.Text(),
              AllOf(HasSubstr("73.3 %"), HasSubstr("65.5 %"),
                    HasSubstr("5 / 5"), HasSubstr("site-c"),
                    HasSubstr("the delta holds a value that is not finite")));
  // Influence beside what pixels would have given, and three line charts.
  EXPECT_TRUE(browser.WaitUntil(
      "return Array.from(document.querySelectorAll('.chart svg')).some("
      "svg => svg.textContent.includes('16-24 px') && "
      "svg.textContent.includes('by pixels'))"));
  EXPECT_TRUE(browser.WaitUntil(
      "return document.querySelectorAll('.uplot canvas').length === 3"));
  Open(browser, "resolution");
  EXPECT_THAT(browser.Text(), AllOf(HasSubstr("74.2 %"), HasSubstr("0.9933"),
                                    HasSubstr("16-24 px")));
  EXPECT_TRUE(browser.WaitUntil(
      "return Array.from(document.querySelectorAll('.chart svg text')).some("
      "text => text.textContent === '327')"))
      << "of the confusion matrix";
  Open(browser, "pooled");
  EXPECT_THAT(browser.Text(), HasSubstr("no pooled vectors beside this log"));
  Open(browser, "clients");
  EXPECT_THAT(browser.Text(), HasSubstr("4 of 4"));
  Open(browser, "compare");
  EXPECT_THAT(browser.Text(), AllOf(HasSubstr("aggregation.weighting"),
                                    HasSubstr("\"pixels\"")));
  Open(browser, "events");
  EXPECT_THAT(browser.Text(), AllOf(HasSubstr("completed after 5 rounds"),
                                    HasSubstr("less than 1 GB")));
  EXPECT_EQ(browser.Errors(), "");
}

TEST_F(ReportCommandTest, ABrowserRunsNothingThatTheLogBrought) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  const std::string attack =
      "</script><img src=x onerror=document.title='owned'>"
      "<script>document.title='owned'</script>";
  MakeReport({MakeLog("a", "site-c", attack)});
  Browser browser;
  for (const char* view : {"overview", "clients", "events"}) {
    Open(browser, view);
    EXPECT_THAT(browser.Text(), HasSubstr("<img src=x")) << view;
    EXPECT_EQ(browser.Run("return document.images.length"), "0") << view;
    EXPECT_THAT(browser.Run("return document.title"), Not(HasSubstr("owned")));
  }
  EXPECT_EQ(browser.Errors(), "");
}

TEST_F(ReportCommandTest, ABrowserSaysWhatOfTheLogIsMissing) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  std::string log = GoldenLog();
  log.resize(log.size() - 30);
  log.insert(log.find('\n') + 1, "{half\n");
  const auto path = dir_ / "torn.jsonl";
  ASSERT_OK(WriteFileAtomic(path, std::string_view(log)));
  MakeReport({path.string()});
  Browser browser;
  Open(browser, "overview");
  EXPECT_THAT(browser.Text(), AllOf(HasSubstr("one line could not be read"),
                                    HasSubstr("the last line is cut off"),
                                    HasSubstr("73.3 %")));
}

TEST_F(ReportCommandTest, TheKeyboardReachesTheContentOfTheView) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a")});
  Browser browser;
  Open(browser, "events");
  browser.Run("document.querySelector('.skip').click()");
  EXPECT_EQ(browser.Run("return document.activeElement.id"), "main");
  EXPECT_EQ(browser.Run("return location.hash"), "#events");
  EXPECT_THAT(browser.Text(), HasSubstr("completed after 5 rounds"));
}

TEST_F(ReportCommandTest, AGroupThatGetsNothingNowIsSeen) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a")});
  Browser browser;
  Open(browser, "resolution");
  EXPECT_THAT(browser.Text(), AllOf(HasSubstr("Influence by resolution group"),
                                    Not(HasSubstr("not served"))));
  // Fifty rounds of equal shares, and ten without the first group.
  browser.Run(
      "const run = chosenRun();"
      "run.rounds.round = Array.from({length: 60}, (_, i) => i + 1);"
      "run.groups.forEach((group, i) => { for (const name of ['influence', "
      "'clients']) group[name] = run.rounds.round.map(round => "
      "i === 0 && round > 50 ? 0 : 1 / run.groups.length); }); draw()");
  EXPECT_THAT(browser.Text(),
              AllOf(HasSubstr("not served"), HasSubstr("no part in round 60"),
                    HasSubstr("newest 10 rounds")));
  EXPECT_EQ(browser.Run("return meanShare(chosenRun().groups[0].influence)"),
            "0");
  browser.Run("openView('overview')");
  EXPECT_TRUE(browser.WaitForText("not served"));
  EXPECT_EQ(browser.Errors(), "");
}

TEST_F(ReportCommandTest, ManyEventsPushOutNoWarning) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a")});
  Browser browser;
  Open(browser, "events");
  EXPECT_EQ(
      browser.Run("const row = (seq, level) => [seq, 0, level];"
                  "const rows = [row(1, 'warning'), row(2, 'warning')];"
                  "for (let i = 3; i < 90; ++i) rows.push(row(i, 'info'));"
                  "return newestOfEachLevel(rows, 5)"
                  ".map(one => one[0]).join(' ')"),
      "1 2 85 86 87 88 89");
}

TEST_F(ReportCommandTest, ManyClassesAreListedByTheirWorstPairs) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a")});
  Browser browser;
  Open(browser, "overview");
  browser.Run(
      "const n = 500; const run = chosenRun();"
      "run.pooled = {rounds: [{round: 1, points: [], drift: []}], explained: "
      "[0, 0], problems: [], classes: n, distances: Array.from({length: n * n},"
      "(_, i) => Math.abs(i % n - Math.floor(i / n)) / 1000)};"
      "const size = run.evaluation.sizes[0]; size.confusion = "
      "Array(n * n).fill(0); size.confusion[7] = 4321; openView('pooled')");
  EXPECT_TRUE(browser.WaitForText("40 nearest pairs of 500 classes"));
  browser.Run("openView('resolution')");
  EXPECT_TRUE(browser.WaitForText("4,321"));
  EXPECT_EQ(browser.Errors(), "");
  // A view that fails leaves nothing of another under its title.
  browser.Run("chosenRun().pooled = {rounds: [1]}; openView('pooled')");
  EXPECT_TRUE(browser.WaitForText("This view cannot be drawn"));
  EXPECT_THAT(browser.Text(), Not(HasSubstr("Confusion matrix")));
}

TEST_F(ReportCommandTest, AClientThatIsWellAgainIsInNoTrouble) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a")});
  Browser browser;
  Open(browser, "overview");
  const std::string level =
      "const client = chosenRun().clients.find(c => c.rejected > 0);"
      "client.history.round.push(client.rejections[0].round + ROUNDS);"
      "const level = troubles(chosenRun()).find("
      "one => one.client === client.name && "
      "one.text.includes('refused')).level;"
      "return level + ' ' + clientState(chosenRun(), client)";
  EXPECT_EQ(browser.Run(Replaced(level, "ROUNDS", "0")), "bad refused");
  EXPECT_EQ(browser.Run(Replaced(level, "ROUNDS", "1")), "info well");
}

TEST_F(ReportCommandTest, LongGroupNamesAreCutAtTheirEnd) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a")});
  Browser browser;
  Open(browser, "overview");
  EXPECT_EQ(
      browser.Run("const svg = influenceSvg(600, [{label: 'first' + "
                  "'x'.repeat(90), influence: 1, pixels: 1, clients: 1}]);"
                  "document.body.append(svg); "
                  "const text = svg.querySelector('text');"
                  "return text.getBBox().x >= 0 && "
                  "text.textContent.startsWith('first')"),
      "true");
}

TEST_F(ReportCommandTest, WhatIsDrawnAgainLeavesNoChartBehind) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a")});
  Browser browser;
  Open(browser, "overview");
  const std::string three =
      "return uPlot.sync('round').plots.length === 3 && "
      "document.querySelectorAll('.uplot canvas').length === 3";
  EXPECT_TRUE(browser.WaitUntil(three));
  for (int i = 0; i < 3; ++i) {
    browser.Run("draw()");
    EXPECT_TRUE(browser.WaitUntil(three));
  }
  EXPECT_EQ(browser.Errors(), "");
}

TEST_F(ReportCommandTest, WhatIsDrawnAgainKeepsThePlaceInAChart) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a")});
  Browser browser;
  Open(browser, "overview");
  const std::string three =
      "return document.querySelectorAll('.uplot canvas').length === 3";
  EXPECT_TRUE(browser.WaitUntil(three));
  browser.Run(
      "const plot = document.querySelector('.chart[tabindex]'); plot.focus();"
      "plot.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft'}))");
  browser.Run("draw()");
  EXPECT_TRUE(browser.WaitUntil(
      "return [...alive.charts].some(chart => chart.cursor.idx === 4)"));
  EXPECT_EQ(browser.Errors(), "");
}

TEST_F(ReportCommandTest, RunsThatAreMeasuredOtherwiseAreSaidTo) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeLog("a"), MakeLog("b", "golden-0123", "second-0123")});
  Browser browser;
  Open(browser, "compare");
  EXPECT_THAT(browser.Text(), AllOf(HasSubstr("server’s images"),
                                    Not(HasSubstr("do not compare"))));
  EXPECT_EQ(browser.Run("return app.runs.map(runLabel).join(' ')"),
            "a.jsonl b.jsonl");
  browser.Run("app.runs[1].rounds.accuracy = {}; draw()");
  EXPECT_THAT(browser.Text(),
              AllOf(HasSubstr("clients’ images"), HasSubstr("do not compare")));
}

TEST_F(ReportCommandTest, ABrowserDrawsThePooledVectors) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  MakeReport({MakeRunWithPooledVectors()});
  Browser browser;
  Open(browser, "pooled");
  EXPECT_TRUE(browser.WaitUntil(
      "return document.querySelector('[aria-label=\"Clients by their pooled "
      "vectors, round 5: 4 points in 2 resolution groups\"]') !== null"));
  EXPECT_THAT(browser.Text(),
              HasSubstr("the picture shows 80.0 % and 20.0 % of the variance"));
  EXPECT_TRUE(browser.WaitUntil(
      "return Array.from(document.querySelectorAll('.chart svg text')).filter("
      "text => text.textContent === '5').length === 2"))
      << "the distance of the prototypes, twice";
  EXPECT_EQ(browser.Errors(), "");
}

TEST_F(ReportCommandTest, NothingIsWiderThanAPhone) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  // Names of one word, far wider than a phone.
  const std::string wide(200, 'W');
  const std::string log = Replaced(Replaced(GoldenLog(), "site-c", wide),
                                   "16-24", wide.substr(0, 60));
  const auto path = dir_ / "wide.jsonl";
  ASSERT_OK(WriteFileAtomic(path, std::string_view(log)));
  MakeReport({path.string(), MakeLog("b", "golden-0123", wide.substr(0, 60)),
              MakeRunWithPooledVectors()});
  Browser browser;
  for (const int width : {390, 1280}) {
    browser.Resize(width, 900);
    for (const char* view :
         {"overview", "resolution", "pooled", "clients", "compare", "events"}) {
      Open(browser, view);
      browser.Run("if (location.hash === '#clients') showClient('" + wide +
                  "')");
      browser.Run(
          "if (location.hash === '#pooled') { app.chosen = 2; draw(); }");
      EXPECT_EQ(browser.Run("return innerWidth"), std::to_string(width));
      EXPECT_EQ(browser.Run("return document.documentElement.scrollWidth <= "
                            "innerWidth"),
                "true")
          << view << " at " << width;
    }
  }
}

}  // namespace
}  // namespace fedgap
