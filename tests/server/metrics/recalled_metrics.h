// The metrics of the golden run, and text taken apart.
#ifndef FEDGAP_TESTS_SERVER_METRICS_RECALLED_METRICS_H_
#define FEDGAP_TESTS_SERVER_METRICS_RECALLED_METRICS_H_

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "common/telemetry/event_json.h"
#include "server/metrics/run_metrics.h"
#include "tests/testing/golden_log.h"

namespace fedgap {

inline void RecallGoldenRun(RunMetrics& metrics) {
  std::istringstream lines(GoldenLog());
  for (std::string line; std::getline(lines, line);) {
    const auto logged = ParseEventLine(line);
    ASSERT_TRUE(logged.ok()) << logged.status();
    metrics.Recall(*logged);
  }
}

// Without the lines of this process, which are others every time.
inline std::string OfTheRunAlone(const std::string& text) {
  std::istringstream lines(text);
  std::string kept;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("process_") > 8) kept += line + "\n";
  }
  return kept;
}

}  // namespace fedgap

#endif  // FEDGAP_TESTS_SERVER_METRICS_RECALLED_METRICS_H_
