#include "server/store/run_inspection.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/file_io.h"
#include "common/crypto/sha256.h"
#include "common/telemetry/event_json.h"
#include "server/store/run_database.h"
#include "server/store/run_directory.h"

namespace fedgap {
namespace {

Status NoRun(const std::filesystem::path& directory) {
  return absl::NotFoundError(
      fmt::format("{} holds no run", directory.string()));
}

InspectedFile Inspect(const std::filesystem::path& path, const FileRow& row) {
  InspectedFile file{.path = path, .bytes = row.bytes, .problem = {}};
  const auto bytes = ReadFileBytes(path);
  if (!bytes.ok()) {
    file.problem = MessageOf(bytes.status());
  } else if (ToHex(Sha256Of(*bytes)) != row.sha256) {
    file.problem = "another SHA-256 than was committed";
  }
  return file;
}

StatusOr<RunDatabase> OpenDatabase(const std::filesystem::path& directory) {
  const RunDirectory run_directory{directory};
  std::error_code error;
  const bool is_there =
      std::filesystem::exists(run_directory.database(), error);
  if (error) return ErrnoStatus(error.value(), "look at", directory);
  if (!is_there) return NoRun(directory);
  return RunDatabase::Open(run_directory.database(), /*read_only=*/true);
}

}  // namespace

StatusOr<HeldRun> FindHeldRun(const std::filesystem::path& directory) {
  FEDGAP_ASSIGN_OR_RETURN(auto database, OpenDatabase(directory));
  FEDGAP_ASSIGN_OR_RETURN(auto run, database.ReadRun());
  if (!run.has_value()) return NoRun(directory);
  return HeldRun{std::move(run->record), std::move(run->finished)};
}

StatusOr<RunInspection> InspectRun(const std::filesystem::path& directory) {
  const RunDirectory run_directory{directory};
  FEDGAP_ASSIGN_OR_RETURN(auto database, OpenDatabase(directory));
  FEDGAP_ASSIGN_OR_RETURN(auto run, database.ReadRun());
  if (!run.has_value()) return NoRun(directory);
  FEDGAP_ASSIGN_OR_RETURN(auto rounds, database.ReadRounds());
  FEDGAP_ASSIGN_OR_RETURN(const auto files, database.ReadFiles());
  RunInspection inspection{.record = std::move(run->record),
                           .finished = std::move(run->finished),
                           .rounds = {},
                           .files = {}};
  for (RoundRow& row : rounds) {
    InspectedRound round{
        .round = row.round, .model = std::move(row.model), .event = {}};
    if (!row.event.empty()) {
      FEDGAP_ASSIGN_OR_RETURN(const auto logged, ParseEventLine(row.event));
      round.event = std::get<RoundCommittedEvent>(logged.event);
    }
    inspection.rounds.push_back(std::move(round));
  }
  for (const FileRow& row : files) {
    inspection.files.push_back(
        Inspect(run_directory.round_file(row.kind, row.round), row));
  }
  return inspection;
}

}  // namespace fedgap
