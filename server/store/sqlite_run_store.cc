#include "server/store/sqlite_run_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <future>
#include <numeric>
#include <set>
#include <system_error>
#include <utility>

#include "common/base/check.h"
#include "common/base/file_io.h"
#include "common/base/kill_point.h"
#include "common/base/make_directories.h"
#include "common/crypto/sha256.h"
#include "common/federation/model_file.h"
#include "common/federation/model_id.h"
#include "common/telemetry/event_json.h"
#include "common/telemetry/event_reader.h"

namespace fedgap {
namespace {

constexpr const char* kModels = "models";
constexpr const char* kState = "state";
constexpr const char* kPooled = "pooled";

RoundRow ToRow(const RoundCommit& commit) {
  RoundRow row{.round = commit.round,
               .model = ToHex(commit.model),
               .seconds = commit.event.seconds.total,
               .stale_evaluations = commit.stale_evaluations,
               .best_accuracy_millionths = commit.best_accuracy_millionths,
               .accuracy_millionths = -1,
               .event = {},
               .stop_reason = commit.stop_reason};
  if (commit.round == 0) return row;
  if (commit.event.evaluated) {
    row.accuracy_millionths =
        std::llround(commit.event.evaluation.fairness.mean * 1e6);
  }
  row.event = ToJsonLine({}, commit.event);
  return row;
}

}  // namespace

StatusOr<std::unique_ptr<SqliteRunStore>> SqliteRunStore::Open(
    const std::filesystem::path& directory, Options options) {
  const RunDirectory run{directory};
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(run.root));
  for (const char* kind : {kModels, kState, kPooled}) {
    FEDGAP_RETURN_IF_ERROR(MakeDirectories(run.root / kind));
  }
  FEDGAP_ASSIGN_OR_RETURN(auto lock, DirectoryLock::Take(run.lock()));
  FEDGAP_ASSIGN_OR_RETURN(auto database,
                          RunDatabase::Open(run.database(),
                                            /*read_only=*/false));
  auto store = std::unique_ptr<SqliteRunStore>(
      new SqliteRunStore(run, options, std::move(lock), std::move(database)));
  FEDGAP_RETURN_IF_ERROR(store->RemoveOrphans());
  return store;
}

SqliteRunStore::SqliteRunStore(RunDirectory directory, Options options,
                               DirectoryLock lock, RunDatabase database)
    : directory_(std::move(directory)),
      options_(options),
      lock_(std::move(lock)),
      database_(std::move(database)) {}

// A directory whose state.db is gone, or came back empty, still has the models:
// they are no orphans.
Status SqliteRunStore::CheckNoModelsAreForgotten() {
  FEDGAP_ASSIGN_OR_RETURN(const auto run, database_.ReadRun());
  if (run.has_value()) return absl::OkStatus();
  Round newest = 0;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(directory_.root / kModels, error)) {
    newest = std::max(newest, RoundOfFileName(entry.path().filename()));
  }
  if (error)
    return ErrnoStatus(error.value(), "list", directory_.root / kModels);
  if (newest == 0) return absl::OkStatus();  // a run that was never begun
  return absl::FailedPreconditionError(fmt::format(
      "{} knows of no run, but there are models up to round {} beside it: put "
      "the run's own state.db back (a backup has it), or begin a new run in "
      "another directory from {} (model.init_from)",
      directory_.database().string(), newest,
      directory_.round_file(kModels, newest).string()));
}

Status SqliteRunStore::RemoveOrphans() {
  FEDGAP_RETURN_IF_ERROR(CheckNoModelsAreForgotten());
  FEDGAP_ASSIGN_OR_RETURN(const auto rows, database_.ReadFiles());
  std::set<std::filesystem::path> known;
  for (const FileRow& row : rows) {
    known.insert(directory_.round_file(row.kind, row.round));
  }
  for (const char* kind : {kModels, kState, kPooled}) {
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator(directory_.root / kind, error)) {
      const std::string name = entry.path().filename().string();
      const bool ours = RoundOfFileName(name) >= 0 ||
                        name.find(".safetensors.tmp") != name.npos;
      if (!ours || known.contains(entry.path())) continue;
      std::error_code failed;
      std::filesystem::remove(entry.path(), failed);
      if (failed) return ErrnoStatus(failed.value(), "remove", entry.path());
    }
    if (error)
      return ErrnoStatus(error.value(), "list", directory_.root / kind);
  }
  return absl::OkStatus();
}

Status SqliteRunStore::Adopt(const RunRecord& record) {
  FEDGAP_ASSIGN_OR_RETURN(auto spec, ParseModelSpec(record.model_json));
  FEDGAP_ASSIGN_OR_RETURN(model_, Model::Create(std::move(spec)));
  record_ = record;
  return absl::OkStatus();
}

StatusOr<std::optional<RunRecord>> SqliteRunStore::FindRun() {
  FEDGAP_ASSIGN_OR_RETURN(auto run, database_.ReadRun());
  if (!run.has_value()) return std::optional<RunRecord>();
  return std::optional<RunRecord>(std::move(run->record));
}

StatusOr<std::optional<RestoredRun>> SqliteRunStore::Restore() {
  FEDGAP_ASSIGN_OR_RETURN(const auto run, database_.ReadRun());
  if (!run.has_value()) return std::optional<RestoredRun>();
  FEDGAP_RETURN_IF_ERROR(Adopt(run->record));
  FEDGAP_ASSIGN_OR_RETURN(const auto rounds, database_.ReadRounds());
  FEDGAP_ASSIGN_OR_RETURN(const auto files, database_.ReadFiles());
  std::string damage;
  for (auto row = rounds.rbegin(); row != rounds.rend(); ++row) {
    auto restored = RestoreRound(*run, *row, files);
    if (!restored.ok()) {
      const std::string what =
          fmt::format("round {} cannot be restored: {}", row->round,
                      MessageOf(restored.status()));
      damage += "\n  " + what;
      warnings_.push_back(what);
      continue;
    }
    for (auto earlier = row; earlier != rounds.rend(); ++earlier) {
      restored->seconds += earlier->seconds;
    }
    // A fall-back has rounds to run again.
    restored->finished = !run->finished.empty() && row == rounds.rbegin();
    if (restored->finished) {
      restored->finished_reason = run->finished;
      restored->seconds = run->seconds;
    }
    last_ = row->round;
    return std::optional<RestoredRun>(std::move(restored).value());
  }
  return absl::DataLossError(
      fmt::format("no round of the run in {} is whole:{}",
                  directory_.root.string(), damage));
}

StatusOr<RestoredRun> SqliteRunStore::RestoreRound(
    const RunRow& run, const RoundRow& row, const std::vector<FileRow>& files) {
  RestoredRun restored;
  FEDGAP_ASSIGN_OR_RETURN(auto model, ReadModel(files, row.round));
  FEDGAP_ASSIGN_OR_RETURN(auto state_bytes,
                          ReadVerified(files, kState, row.round));
  FEDGAP_ASSIGN_OR_RETURN(auto state, ParseRoundState(std::move(state_bytes)));
  FEDGAP_ASSIGN_OR_RETURN(restored.ledger, database_.ReadLedger(row.round));
  restored.record = run.record;
  restored.round = row.round;
  restored.model = model.origin.id;
  restored.parameters = std::move(model.parameters);
  restored.optimizer = std::move(state.optimizer);
  restored.prototypes = std::move(state.prototypes);
  restored.stale_evaluations = row.stale_evaluations;
  restored.best_accuracy_millionths = row.best_accuracy_millionths;
  restored.stop_reason = row.stop_reason;
  if (row.round == 0) return restored;
  StatusOr<ModelFile> before = ReadModel(files, row.round - 1);
  if (before.ok()) {
    restored.parameters_before = std::move(before->parameters);
  } else {
    warnings_.push_back(
        fmt::format("the next round's updates are compared with no step before "
                    "them: round {} is not whole: {}",
                    row.round - 1, MessageOf(before.status())));
  }
  return restored;
}

StatusOr<ModelFile> SqliteRunStore::ReadModel(const std::vector<FileRow>& files,
                                              Round round) const {
  FEDGAP_ASSIGN_OR_RETURN(auto bytes, ReadVerified(files, kModels, round));
  FEDGAP_ASSIGN_OR_RETURN(auto model, ParseModelFile(std::move(bytes)));
  if (!(model.model->layout() == model_->layout())) {
    return absl::DataLossError("its model has another layout than the run's");
  }
  return model;
}

StatusOr<std::vector<std::uint8_t>> SqliteRunStore::ReadVerified(
    const std::vector<FileRow>& files, const std::string& kind,
    Round round) const {
  const auto path = directory_.round_file(kind, round);
  const auto row = std::ranges::find_if(files, [&](const FileRow& file) {
    return file.round == round && file.kind == kind;
  });
  if (row == files.end()) {
    return absl::NotFoundError(fmt::format(
        "{} was not kept (see the store's retention)", path.string()));
  }
  FEDGAP_ASSIGN_OR_RETURN(auto bytes, ReadFileBytes(path));
  if (ToHex(Sha256Of(bytes)) != row->sha256) {
    return absl::DataLossError(fmt::format(
        "{} has {} bytes with another SHA-256 than the {} that were committed",
        path.string(), bytes.size(), row->bytes));
  }
  return bytes;
}

Status SqliteRunStore::Create(const RunRecord& record,
                              const RoundCommit& initial) {
  FEDGAP_ASSIGN_OR_RETURN(const auto run, database_.ReadRun());
  if (run.has_value()) {
    return absl::FailedPreconditionError(
        fmt::format("{} holds the run {} already: resume it or choose another "
                    "directory",
                    directory_.root.string(), run->record.run.value));
  }
  FEDGAP_RETURN_IF_ERROR(Adopt(record));
  FEDGAP_RETURN_IF_ERROR(
      WriteFileAtomic(directory_.config(), record.config_toml));
  FEDGAP_RETURN_IF_ERROR(
      WriteFileAtomic(directory_.model_json(), record.model_json));
  return Write(&record, initial);
}

Status SqliteRunStore::Commit(const RoundCommit& commit) {
  if (model_ == nullptr || commit.round != last_ + 1) {
    return absl::FailedPreconditionError(
        fmt::format("round {} does not follow the last committed round {}",
                    commit.round, last_));
  }
  return Write(nullptr, commit);
}

Status SqliteRunStore::Write(const RunRecord* record,
                             const RoundCommit& commit) {
  FEDGAP_CHECK(!commit.parameters.empty());
  std::vector<FileRow> files;
  std::vector<FileRow> old;
  Status status = WriteFiles(commit, files);
  KillPoint("files-written");
  if (status.ok()) {
    status = WriteRows(record, commit, files, old);
  }
  if (!status.ok()) {
    RemoveFiles(files);
    return status;
  }
  KillPoint("rows-committed");
  last_ = commit.round;
  RemoveFiles(old);
  return absl::OkStatus();
}

Status SqliteRunStore::WriteRows(const RunRecord* record,
                                 const RoundCommit& commit,
                                 const std::vector<FileRow>& files,
                                 std::vector<FileRow>& old) {
  SqliteTransaction transaction = database_.Begin();
  FEDGAP_RETURN_IF_ERROR(transaction.status());
  if (record != nullptr) FEDGAP_RETURN_IF_ERROR(database_.InsertRun(*record));
  FEDGAP_RETURN_IF_ERROR(
      database_.InsertRound(ToRow(commit), files, commit.ledger));
  FEDGAP_ASSIGN_OR_RETURN(old, OldFiles(commit.round));
  FEDGAP_RETURN_IF_ERROR(database_.DeleteFiles(old));
  KillPoint("rows-written");
  return transaction.Commit();
}

Status SqliteRunStore::WriteFiles(const RoundCommit& commit,
                                  std::vector<FileRow>& files) {
  const ModelOrigin origin{.id = commit.model,
                           .run = record_.run,
                           .round = commit.round,
                           .class_names = record_.class_names};
  // Side by side: the disk syncs them together.
  const auto beside = [&](const char* kind, auto writer_of) {
    return std::async(std::launch::async, [&commit, this, kind, writer_of] {
      return WriteFile(kind, commit.round, writer_of());
    });
  };
  std::vector<std::future<StatusOr<FileRow>>> others;
  others.push_back(
      beside(kState, [&commit] { return RoundStateWriter(commit); }));
  if (!commit.pooled.empty()) {
    others.push_back(beside(kPooled, [&commit] {
      return PooledWriter(commit.pooled, commit.round);
    }));
  }
  std::vector<StatusOr<FileRow>> written;
  written.push_back(
      WriteFile(kModels, commit.round,
                ModelFileWriter(*model_, commit.parameters, origin)));
  for (auto& other : others) written.push_back(other.get());
  Status status;
  for (StatusOr<FileRow>& row : written) {
    status.Update(row.status());
    if (row.ok()) files.push_back(*std::move(row));
  }
  return status;
}

StatusOr<FileRow> SqliteRunStore::WriteFile(const std::string& kind,
                                            Round round,
                                            SafetensorsWriter writer) const {
  const auto pieces = writer.Pieces();
  // While the disk is busy.
  std::future<FileRow> row = std::async(std::launch::async, [&] {
    Sha256 hash;
    std::int64_t bytes = 0;
    for (const auto piece : pieces) {
      hash.Update(piece);
      bytes += std::ssize(piece);
    }
    return FileRow{.round = round,
                   .kind = kind,
                   .sha256 = ToHex(hash.Finish()),
                   .bytes = bytes};
  });
  FEDGAP_RETURN_IF_ERROR(
      WriteFileAtomic(directory_.round_file(kind, round), pieces));
  return row.get();
}

void SqliteRunStore::RemoveFiles(const std::vector<FileRow>& files) {
  for (const FileRow& file : files) {
    const auto path = directory_.round_file(file.kind, file.round);
    std::error_code error;
    std::filesystem::remove(path, error);
    if (error) {
      warnings_.push_back(
          fmt::format("cannot remove {}: {}", path.string(), error.message()));
    }
  }
}

StatusOr<std::vector<FileRow>> SqliteRunStore::OldFiles(Round last) {
  const int states = std::max(options_.keep_states, 1);
  FEDGAP_ASSIGN_OR_RETURN(auto old,
                          database_.ReadFilesUpTo(kState, last - states));
  if (options_.keep_models <= 0) return old;
  // That of the oldest state's round, and the one before it.
  const int models = std::max(options_.keep_models, states + 1);
  FEDGAP_ASSIGN_OR_RETURN(const Round best, database_.BestRound());
  FEDGAP_ASSIGN_OR_RETURN(const auto files,
                          database_.ReadFilesUpTo(kModels, last - models));
  for (const FileRow& file : files) {
    if (file.round != best) old.push_back(file);
  }
  FEDGAP_ASSIGN_OR_RETURN(const auto pooled,
                          database_.ReadFilesUpTo(kPooled, last - models));
  old.insert(old.end(), pooled.begin(), pooled.end());
  return old;
}

StatusOr<std::map<ClientName, Round>> SqliteRunStore::LastContributions() {
  return database_.ReadLastContributions(last_);
}

Status SqliteRunStore::MarkFinished(const std::string& reason, double seconds) {
  if (last_ < 0) {
    return absl::FailedPreconditionError("the store holds no run to finish");
  }
  FEDGAP_ASSIGN_OR_RETURN(const auto files, database_.ReadFiles());
  FEDGAP_ASSIGN_OR_RETURN(const auto bytes,
                          ReadVerified(files, kModels, last_));
  FEDGAP_RETURN_IF_ERROR(WriteFileAtomic(directory_.final_model(), bytes));
  return database_.SetFinished(reason, seconds);
}

StatusOr<std::vector<RoundCommittedEvent>> SqliteRunStore::CommittedAfter(
    Round round) {
  FEDGAP_ASSIGN_OR_RETURN(const auto rounds, database_.ReadRounds());
  std::vector<RoundCommittedEvent> events;
  for (const RoundRow& row : rounds) {
    if (row.round <= round || row.round > last_ || row.event.empty()) continue;
    FEDGAP_ASSIGN_OR_RETURN(const LoggedEvent logged,
                            ParseEventLine(row.event));
    events.push_back(std::get<RoundCommittedEvent>(logged.event));
  }
  return events;
}

Status EmitMissingCommits(SqliteRunStore& store, EventSink& events) {
  FEDGAP_ASSIGN_OR_RETURN(const Round logged,
                          LastCommittedRoundInLog(store.directory().events()));
  FEDGAP_ASSIGN_OR_RETURN(const auto missing, store.CommittedAfter(logged));
  for (const RoundCommittedEvent& event : missing) events.Emit(event);
  return absl::OkStatus();
}

}  // namespace fedgap
