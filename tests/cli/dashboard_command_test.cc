// Runs the real `fedgap dashboard` on a log that grows, and looks at it with a
// real browser where there is one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <string>

#include "common/base/file_io.h"
#include "tests/testing/browser.h"
#include "tests/testing/golden_log.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class DashboardCommandTest : public ::testing::Test {
 protected:
  DashboardCommandTest() {
    fs::create_directories(run_ / "events");
    Append(GoldenLog(kBefore));
  }
  void Append(const std::string& text) const {
    std::ofstream(run_ / "events/events-000001.jsonl", std::ios::app) << text;
  }
  std::unique_ptr<Process> Start() const {
    const fs::path port_file = dir_ / "port";
    auto process = std::make_unique<Process>(std::vector<std::string>{
        FEDGAP_TOOL, "dashboard", run_.string(), "--listen", "127.0.0.1:0",
        "--port-file", port_file.string()});
    EXPECT_TRUE(process->WaitForFile(port_file));
    return process;
  }
  std::string Url() const {
    const std::string port = ReadFileText(dir_ / "port").value();
    return "http://127.0.0.1:" + port.substr(0, port.find('\n')) + "/";
  }

  static constexpr int kBefore = 15;  // lines: three updates of round 2
  TempDir dir_;
  fs::path run_ = dir_ / "run";
};

TEST_F(DashboardCommandTest, SaysWhereItIsAndEndsOnCtrlC) {
  const auto process = Start();
  EXPECT_TRUE(process->WaitForLine("dashboard: " + Url()));
  process->Signal(SIGINT);
  const ProgramResult result = process->Wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
}

TEST_F(DashboardCommandTest, ABrowserSeesTheRunGoOn) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  auto process = Start();
  Browser browser;
  browser.Open(Url());
  EXPECT_TRUE(browser.WaitForText("3 of 4 updates in round 2"));
  EXPECT_THAT(browser.Text(), HasSubstr("live"));
  EXPECT_THAT(browser.Text(), HasSubstr("1 / 5"));
  const std::string button = "Influence of each resolution group as CSV";
  browser.Run("document.querySelector('[aria-label=\"" + button +
              "\"]').focus()");
  Append(GoldenLog(32).substr(GoldenLog(kBefore).size()));
  EXPECT_TRUE(browser.WaitForText("4 / 5"));
  EXPECT_EQ(browser.Run("return document.activeElement.ariaLabel"), button)
      << "what is drawn again keeps the focus";
  Append(GoldenLog().substr(GoldenLog(32).size()));
  EXPECT_TRUE(browser.WaitForText("finished"));
  EXPECT_THAT(browser.Text(), HasSubstr("73.3 %"));
  EXPECT_EQ(
      browser.Run("return chosenRun().clients.map(client => client.name + "
                  "' ' + client.history.round.join()).join('; ')"),
      "site-a 1,2,3,4,5; site-b 1,2,3,4,5; site-c 1,2,4,5; "
      "site-d 1,2,3")
      << "what was pushed in pieces";
  EXPECT_EQ(browser.Errors(), "");
  process.reset();
  EXPECT_TRUE(browser.WaitForText("disconnected"));
  EXPECT_THAT(browser.Text(), HasSubstr("73.3 %")) << "what came stays";
}

// The golden log's events are of long ago.
TEST_F(DashboardCommandTest, ABrowserSeesThatARunIsSilentAndThatItDied) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  const auto process = Start();
  Browser browser;
  browser.Open(Url());
  EXPECT_TRUE(browser.WaitForText("running, but silent"));
  EXPECT_THAT(browser.Text(), HasSubstr("last event "));
  EXPECT_THAT(browser.Text(), HasSubstr("in round 2, began "));
  EXPECT_THAT(browser.Text(), HasSubstr("longer than usual"));
  browser.Run("chosenRun().state.last = Date.now()");
  EXPECT_TRUE(browser.WaitUntil(
      "return document.getElementById('run-state').innerText === 'running'"))
      << "looked at again as the time goes";
  for (const char* name : {"state.db", "config.toml"}) {
    ASSERT_OK(WriteFileAtomic(run_ / name, std::string_view("")));
  }
  EXPECT_TRUE(browser.WaitForText("interrupted no program holds"));
  EXPECT_EQ(browser.Errors(), "");
}

TEST_F(DashboardCommandTest, ABrowserLeavesWhatIsSelected) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  const auto process = Start();
  Browser browser;
  browser.Open(Url());
  EXPECT_TRUE(browser.WaitForText("3 of 4 updates in round 2"));
  browser.Run("getSelection().selectAllChildren(document.querySelector('h2'))");
  Append(GoldenLog().substr(GoldenLog(kBefore).size()));
  EXPECT_TRUE(browser.WaitUntil(
      "return document.getElementById('run-state').innerText.includes("
      "'finished')"));
  EXPECT_EQ(browser.Run("return String(getSelection())"),
            "Influence of each resolution group");
  EXPECT_THAT(browser.Text(), HasSubstr("1 / 5"));
  browser.Run("getSelection().removeAllRanges()");
  EXPECT_TRUE(browser.WaitForText("5 / 5"));
}

TEST_F(DashboardCommandTest, ABrowserSaysWhyItIsRefused) {
  if (!Browser::IsInstalled()) GTEST_SKIP() << "no chromium-driver";
  const auto process = Start();
  Browser browser;
  browser.Open(Url());
  EXPECT_TRUE(browser.WaitForText("live"));
  browser.Run(
      "window.EventSource = class { constructor() { this.readyState = 2; "
      "setTimeout(() => this.onerror(), 0); } static CLOSED = 2; };"
      "window.fetch = async () => new Response('add ?token=...', "
      "{status: 401}); connect()");
  EXPECT_TRUE(browser.WaitForText("refused add ?token=..."));
}

TEST_F(DashboardCommandTest, SaysWhatIsWrong) {
  const ProgramResult none =
      RunProgram({FEDGAP_TOOL, "dashboard", (dir_ / "none").string()});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("none"));
  const ProgramResult address =
      RunProgram({FEDGAP_TOOL, "dashboard", run_.string(), "--listen", "8080"});
  EXPECT_EQ(address.exit_code, 2);
  EXPECT_THAT(address.err, HasSubstr("HOST:PORT"));
  const ProgramResult certs =
      RunProgram({FEDGAP_TOOL, "dashboard", run_.string(), "--certs",
                  (dir_ / "none").string()});
  EXPECT_EQ(certs.exit_code, 1);
  EXPECT_THAT(certs.err, HasSubstr("identity.pem"));
}

}  // namespace
}  // namespace fedgap
