// A run on disk: SQLite for what must change together, safetensors files for
// what is large.
#ifndef FEDGAP_SERVER_STORE_SQLITE_RUN_STORE_H_
#define FEDGAP_SERVER_STORE_SQLITE_RUN_STORE_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/model_file.h"
#include "common/nn/model.h"
#include "server/core/run_store.h"
#include "server/store/directory_lock.h"
#include "server/store/run_database.h"
#include "server/store/run_directory.h"

namespace fedgap {

// A commit writes its files beside the others (fsynced, renamed) and then one
// transaction that holds their SHA-256 with everything small. A crash before
// the transaction leaves files that no row knows: the next Open removes them.
// So the newest row is the newest whole commit, whenever the process dies.
class SqliteRunStore final : public RunStore {
 public:
  struct Options {
    // Models and pooled vectors of so many last rounds are kept, and the best
    // round's model; 0: of every round. At least keep_states + 1.
    int keep_models = 0;
    // Optimiser state and prototypes of so many last rounds (at least 1): what
    // a resumed run can go back to if the newest is damaged.
    int keep_states = 3;
  };

  // Opens or makes the directory and locks it. FAILED_PRECONDITION: another
  // process has it, or a newer program wrote it; PERMISSION_DENIED;
  // RESOURCE_EXHAUSTED; DATA_LOSS: state.db is damaged.
  static StatusOr<std::unique_ptr<SqliteRunStore>> Open(
      const std::filesystem::path& directory, Options options);
  static StatusOr<std::unique_ptr<SqliteRunStore>> Open(
      const std::filesystem::path& directory) {
    return Open(directory, Options());
  }

  // What the directory holds a run of; nothing for a new one.
  StatusOr<std::optional<RunRecord>> FindRun();
  // Falls back over rounds whose files are torn, flipped or missing to the
  // last whole one; warnings() then says which and why.
  StatusOr<std::optional<RestoredRun>> Restore() override;
  // FAILED_PRECONDITION if the directory holds a run.
  Status Create(const RunRecord& record, const RoundCommit& initial) override;
  // FAILED_PRECONDITION unless it is the round after the last.
  Status Commit(const RoundCommit& commit) override;
  StatusOr<std::map<ClientName, Round>> LastContributions() override;
  // Also puts the last model at RUN/model.safetensors.
  Status MarkFinished(const std::string& reason, double seconds) override;

  // The events of the rounds after `round`, ascending: what an event log that
  // ends there has lost.
  StatusOr<std::vector<RoundCommittedEvent>> CommittedAfter(Round round);

  const RunDirectory& directory() const { return directory_; }
  // What went wrong without an error, for the event log: rounds that Restore
  // passed over, a model before the last that is not whole, files that could
  // not be deleted.
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  SqliteRunStore(RunDirectory directory, Options options, DirectoryLock lock,
                 RunDatabase database);

  Status CheckNoModelsAreForgotten();
  Status RemoveOrphans();
  // Takes the model's layout and the names that models are stored with.
  Status Adopt(const RunRecord& record);
  Status Write(const RunRecord* record, const RoundCommit& commit);
  // In one transaction: inserts the run (if there is a `record`) and the round,
  // and deletes the rows of the files that are too old then: `old`.
  Status WriteRows(const RunRecord* record, const RoundCommit& commit,
                   const std::vector<FileRow>& files,
                   std::vector<FileRow>& old);
  StatusOr<FileRow> WriteFile(const std::string& kind, Round round,
                              SafetensorsWriter writer) const;
  Status WriteFiles(const RoundCommit& commit, std::vector<FileRow>& files);
  void RemoveFiles(const std::vector<FileRow>& files);
  // What is too old once `last` is the newest round.
  StatusOr<std::vector<FileRow>> OldFiles(Round last);
  StatusOr<RestoredRun> RestoreRound(const RunRow& run, const RoundRow& round,
                                     const std::vector<FileRow>& files);
  StatusOr<ModelFile> ReadModel(const std::vector<FileRow>& files,
                                Round round) const;
  StatusOr<std::vector<std::uint8_t>> ReadVerified(
      const std::vector<FileRow>& files, const std::string& kind,
      Round round) const;

  const RunDirectory directory_;
  const Options options_;
  DirectoryLock lock_;
  RunDatabase database_;
  std::unique_ptr<const Model> model_;  // null before Create or Restore
  RunRecord record_;
  Round last_ = -1;
  std::vector<std::string> warnings_;
};

// Emits the committed rounds that the event log in the store's directory has
// not got: a crash between a commit and its event. Call it after a restart,
// before the run goes on.
Status EmitMissingCommits(SqliteRunStore& store, EventSink& events);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_STORE_SQLITE_RUN_STORE_H_
