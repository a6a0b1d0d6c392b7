// A look at a run's directory, from outside and without changing it.
#ifndef FEDGAP_SERVER_STORE_RUN_INSPECTION_H_
#define FEDGAP_SERVER_STORE_RUN_INSPECTION_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/telemetry/events.h"
#include "server/core/run_store.h"

namespace fedgap {

struct InspectedRound {
  Round round = 0;
  std::string model;                         // hex
  std::optional<RoundCommittedEvent> event;  // none for round 0
};

// A file that the database names.
struct InspectedFile {
  std::filesystem::path path;
  std::int64_t bytes = 0;
  std::string problem;  // empty: whole
};

// Which run a directory holds, and how it ended.
struct HeldRun {
  RunRecord record;
  std::string finished;  // the reason; empty: not finished
};

// Does not look at the run's files. The errors of InspectRun.
StatusOr<HeldRun> FindHeldRun(const std::filesystem::path& directory);

struct RunInspection {
  RunRecord record;
  std::string finished;                // the reason; empty: not finished
  std::vector<InspectedRound> rounds;  // ascending
  std::vector<InspectedFile> files;
};

// Reads the database and the SHA-256 of every file. The run may be going on.
// NOT_FOUND if the directory holds no run; codes of the database.
StatusOr<RunInspection> InspectRun(const std::filesystem::path& directory);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_STORE_RUN_INSPECTION_H_
