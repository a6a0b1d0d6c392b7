// The event log of a long run, made up: what a reader is measured with.
#ifndef FEDGAP_BENCH_DASHBOARD_LONG_LOG_H_
#define FEDGAP_BENCH_DASHBOARD_LONG_LOG_H_

#include <filesystem>

#include "common/base/status.h"

namespace fedgap::bench {

struct LongLogOptions {
  int rounds = 10'000;
  int clients = 100;  // all of them in every round
};

// Writes the log of a finished run to `run`/events, with the program's own
// EventLog: five resolution groups, an evaluation with confusion matrices every
// tenth round, now and then a refused update. The same options give the same
// lines. Errors of EventLog.
Status WriteLongLog(const LongLogOptions& options,
                    const std::filesystem::path& run);

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_DASHBOARD_LONG_LOG_H_
