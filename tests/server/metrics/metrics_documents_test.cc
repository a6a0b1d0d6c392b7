// What is written elsewhere about the metrics: the table in docs/DASHBOARD.md
// and the files of deploy/. Prometheus' promtool judges text and configuration.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>

#include "common/base/file_io.h"
#include "tests/common/telemetry/sample_events.h"
#include "tests/server/metrics/recalled_metrics.h"
#include "tests/testing/generated_doc.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/process.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kPromtool = "/usr/bin/promtool";

struct Metric {
  std::string type;
  std::string help;
  std::set<std::string> labels;
};

// All that can be there, with the families' names.
std::map<std::string, Metric> EveryMetric(const std::string& text) {
  std::map<std::string, Metric> found;
  std::istringstream lines(text);
  std::string name;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (std::regex_match(line, match, std::regex("# HELP (\\w+) (.*)"))) {
      name = match[1];
      found[name].help = match[2];
    } else if (std::regex_match(line, match, std::regex("# TYPE \\w+ (.*)"))) {
      found[name].type = match[1];
    } else if (const auto open = line.find('{'); open != line.npos) {
      const std::string labels = line.substr(open);
      const std::regex label("[{,](\\w+)=\"");
      for (std::sregex_iterator it(labels.begin(), labels.end(), label), end;
           it != end; ++it) {
        if ((*it)[1] != "le") found[name].labels.insert((*it)[1]);
      }
    }
  }
  return found;
}

class MetricsDocumentsTest : public ::testing::Test {
 protected:
  MetricsDocumentsTest() { RecallGoldenRun(metrics_); }

  // Runs promtool; the test is skipped where it is not installed.
  static ProgramResult Promtool(const std::string& command) {
    return RunProgram(
        {"/bin/sh", "-c", fmt::format("{} {}", kPromtool, command)});
  }

  TempDir dir_;
  ManualClock clock_;
  RunMetrics metrics_{clock_};
};

TEST_F(MetricsDocumentsTest, PrometheusOwnLinterHasNothingToSay) {
  if (::access(kPromtool, X_OK) != 0) GTEST_SKIP() << "no promtool";
  const auto check = [this](const std::string& text) {
    ASSERT_OK(WriteFileAtomic(dir_ / "text", text));
    const ProgramResult result =
        Promtool("check metrics <" + (dir_ / "text").string());
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_THAT(result.out, IsEmpty());
    EXPECT_THAT(result.err, IsEmpty());
  };
  check(metrics_.Text());
  check(RunMetrics(clock_).Text());
  RunMetrics odd(clock_);
  RunStartedEvent event = SampleRunStarted();
  event.name = "quote\" back\\slash\nline";
  odd.Emit(event);
  check(odd.Text());
}

TEST_F(MetricsDocumentsTest, TheTableOfMetricsIsUpToDate) {
  std::string table =
      "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const auto& [name, metric] : EveryMetric(metrics_.Text())) {
    std::string labels;
    for (const std::string& label : metric.labels) {
      labels += fmt::format("{}`{}`", labels.empty() ? "" : ", ", label);
    }
    table += fmt::format("| `{}` | {} | {} | {} |\n", name, metric.type, labels,
                         metric.help);
  }
  ExpectGeneratedPart(SourceDir() / "docs/DASHBOARD.md", "metrics", table);
}

TEST_F(MetricsDocumentsTest, TheGrafanaDashboardAsksForMetricsThatThereAre) {
  const auto text =
      ReadFileText(SourceDir() / "deploy/grafana/dashboards/fedgap.json");
  ASSERT_OK(text);
  const auto board = nlohmann::json::parse(*text);
  const auto known = EveryMetric(metrics_.Text());
  int queries = 0;
  std::set<int> ids;
  for (const auto& panel : board["panels"]) {
    EXPECT_TRUE(ids.insert(panel["id"].get<int>()).second) << panel["title"];
    if (panel["datasource"]["type"] != "prometheus") continue;
    for (const auto& target : panel["targets"]) {
      const std::string query = target["expr"];
      ++queries;
      const std::regex metric("\\b(fedgap|process)_\\w+");
      std::sregex_iterator it(query.begin(), query.end(), metric);
      EXPECT_NE(it, std::sregex_iterator()) << query;
      for (; it != std::sregex_iterator(); ++it) {
        const std::string name = std::regex_replace(
            it->str(), std::regex("_(bucket|sum|count)$"), "");
        EXPECT_TRUE(known.contains(name)) << query;
      }
    }
  }
  EXPECT_GT(queries, 10);
}

TEST_F(MetricsDocumentsTest, TheConfigurationOfPrometheusIsSound) {
  if (::access(kPromtool, X_OK) != 0) GTEST_SKIP() << "no promtool";
  // Beside it, what it names.
  std::filesystem::copy(SourceDir() / "deploy/prometheus/prometheus.yml",
                        dir_ / "prometheus.yml");
  ASSERT_OK(WriteFileAtomic(dir_ / "token", std::string_view("secret")));
  ASSERT_OK(WriteFileAtomic(dir_ / "ca.pem", std::string_view("")));
  const ProgramResult result =
      Promtool("check config " + (dir_ / "prometheus.yml").string());
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  EXPECT_THAT(result.out, HasSubstr("SUCCESS"));
}

}  // namespace
}  // namespace fedgap
