// The tables of RUN/state.db, as typed rows. Private to server/store.
#ifndef FEDGAP_SERVER_STORE_RUN_DATABASE_H_
#define FEDGAP_SERVER_STORE_RUN_DATABASE_H_

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "server/core/run_store.h"
#include "server/store/sqlite_database.h"

namespace fedgap {

struct RunRow {
  RunRecord record;
  std::string finished;  // the reason; empty: not finished
  double seconds = 0;    // set with it
};

struct RoundRow {
  Round round = 0;
  std::string model;  // hex
  double seconds = 0;
  int stale_evaluations = 0;
  std::int64_t best_accuracy_millionths = 0;
  // Mean over groups of this round's evaluation; -1: not evaluated.
  std::int64_t accuracy_millionths = -1;
  std::string event;             // a line of docs/EVENTS.md; empty for round 0
  std::string stop_reason = {};  // as of RoundCommit
};

// A file that a committed round needs to be whole.
struct FileRow {
  Round round = 0;
  std::string kind;  // "models", "state", "pooled"
  std::string sha256;
  std::int64_t bytes = 0;
};

// Errors as SqliteDatabase. Not thread-safe.
class RunDatabase {
 public:
  static constexpr int kSchema = 4;
  // The oldest whose tables are those of kSchema.
  static constexpr int kOldestRead = 3;

  // Brings an older schema up to date (unless read-only). FAILED_PRECONDITION
  // if a newer program wrote the file. `read_only` needs no right to write the
  // file's directory, unless commits are in the log beside it alone:
  // PERMISSION_DENIED, and what to do.
  static StatusOr<RunDatabase> Open(const std::filesystem::path& path,
                                    bool read_only);

  StatusOr<std::optional<RunRow>> ReadRun();
  StatusOr<std::vector<RoundRow>> ReadRounds();  // ascending
  StatusOr<std::vector<FileRow>> ReadFiles();    // by round, then kind
  // Those of a kind, of rounds up to and with `round`.
  StatusOr<std::vector<FileRow>> ReadFilesUpTo(const std::string& kind,
                                               Round round);
  // The first of the best by accuracy; -1 if no round was evaluated.
  StatusOr<Round> BestRound();
  StatusOr<std::vector<LedgerEntry>> ReadLedger(Round round);
  // The last round up to `round` with an entry of each client.
  StatusOr<std::map<ClientName, Round>> ReadLastContributions(Round round);

  // What is done until its Commit is done together or not at all.
  SqliteTransaction Begin() { return SqliteTransaction(database_); }
  Status InsertRun(const RunRecord& record);
  // In place of all rounds from it on (there are some after a fall-back only).
  Status InsertRound(const RoundRow& round, const std::vector<FileRow>& files,
                     const std::vector<LedgerEntry>& ledger);
  Status DeleteFiles(const std::vector<FileRow>& files);
  Status SetFinished(const std::string& reason, double seconds);

 private:
  explicit RunDatabase(SqliteDatabase database)
      : database_(std::move(database)) {}
  static StatusOr<RunDatabase> Open(const std::filesystem::path& path,
                                    SqliteAccess access);
  Status Migrate(const std::filesystem::path& path, bool read_only);

  SqliteDatabase database_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_STORE_RUN_DATABASE_H_
