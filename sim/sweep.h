// Many runs of one configuration, a few keys of which vary.
#ifndef FEDGAP_SIM_SWEEP_H_
#define FEDGAP_SIM_SWEEP_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/telemetry/report.h"

namespace fedgap {

// A key of the configuration and the values it takes in turn.
struct SweepAxis {
  std::string key;
  std::vector<std::string> values;
};

// "run.seed=1,2,3"; values that hold commas themselves are parted by ';'
// ("simulation.resolutions=14;14:0.5,28:0.5"). INVALID_ARGUMENT else.
StatusOr<SweepAxis> ParseSweepAxis(std::string_view text);

// Whether every combination is a run of its own. INVALID_ARGUMENT names a key
// that has two axes, a value that comes twice, or two combinations with one
// directory.
Status CheckAxes(const std::vector<SweepAxis>& axes);

// One run of a sweep: the value of each axis, in the axes' order.
struct SweepPoint {
  std::vector<std::string> values;
  // What the configuration is overridden with, "run.seed=2".
  std::vector<std::string> overrides;
};

// Every combination, the last axis varying fastest. Without axes: one point
// without overrides.
std::vector<SweepPoint> Grid(const std::vector<SweepAxis>& axes);

// The directory of a point's run below the sweep's: "seed=2,weighting=pixels",
// made fit for a file name.
std::string DirectoryOf(const std::vector<SweepAxis>& axes,
                        const SweepPoint& point);

struct SweepResult {
  SweepPoint point;
  std::string directory;
  RunReport report;
};

// What is measured of a run, by name, in the order of the table: accuracy at
// each evaluation size (else of each group), their mean, worst and gap,
// seconds.
std::vector<std::pair<std::string, double>> Measures(const RunReport& report);

// Tidy: a row a run and measure, with a column for each axis. RFC 4180.
std::string ToCsv(const std::vector<SweepAxis>& axes,
                  const std::vector<SweepResult>& results);

// For a person: a row for each combination of the axes but run.seed, with the
// mean and the standard deviation (of the sample, n - 1) over the seeds.
std::string ToSummary(const std::vector<SweepAxis>& axes,
                      const std::vector<SweepResult>& results);

}  // namespace fedgap

#endif  // FEDGAP_SIM_SWEEP_H_
