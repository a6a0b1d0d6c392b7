#include "server/store/run_database.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>

namespace fedgap {
namespace {

using nlohmann::json;

// kMigrations[v] takes schema v to v + 1; a new file has schema 0.
constexpr const char* kMigrations[RunDatabase::kSchema] = {
    R"(CREATE TABLE run(
         id INTEGER PRIMARY KEY CHECK(id = 1),
         run TEXT NOT NULL,
         config_toml TEXT NOT NULL,
         model_json TEXT NOT NULL,
         layout_hash TEXT NOT NULL,
         class_names TEXT NOT NULL,
         finished TEXT NOT NULL DEFAULT '',
         seconds REAL NOT NULL DEFAULT 0);
       CREATE TABLE rounds(
         round INTEGER PRIMARY KEY,
         model TEXT NOT NULL,
         seconds REAL NOT NULL,
         stale_evaluations INTEGER NOT NULL,
         best_accuracy_millionths INTEGER NOT NULL,
         accuracy_millionths INTEGER NOT NULL,
         event TEXT NOT NULL);
       CREATE TABLE files(
         round INTEGER NOT NULL REFERENCES rounds(round) ON DELETE CASCADE,
         kind TEXT NOT NULL,
         sha256 TEXT NOT NULL,
         bytes INTEGER NOT NULL,
         PRIMARY KEY(round, kind));
       CREATE TABLE ledger(
         round INTEGER NOT NULL REFERENCES rounds(round) ON DELETE CASCADE,
         client TEXT NOT NULL,
         task TEXT NOT NULL,
         digest TEXT NOT NULL,
         PRIMARY KEY(round, client));)",
    R"(ALTER TABLE rounds ADD COLUMN stop_reason TEXT NOT NULL DEFAULT '';)",
    // What every commit asks, without a walk over all rounds so far.
    R"(CREATE INDEX rounds_by_accuracy
         ON rounds(accuracy_millionths DESC, round);
       CREATE INDEX files_by_kind ON files(kind, round);)",
    // State files without the round's step, which a reader of schema 3 wants.
    "",
};

std::vector<std::string> ParseNames(const std::string& text) {
  std::vector<std::string> names;
  const json array = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!array.is_array()) return names;
  for (const json& name : array) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

std::string NamesToJson(const std::vector<std::string>& names) {
  return json(names).dump(-1, ' ', false, json::error_handler_t::replace);
}

StatusOr<std::vector<FileRow>> ReadFileRows(SqliteStatement& query) {
  std::vector<FileRow> rows;
  while (true) {
    FEDGAP_ASSIGN_OR_RETURN(const bool found, query.Next());
    if (!found) return rows;
    rows.push_back({.round = query.Integer(0),
                    .kind = query.Text(1),
                    .sha256 = query.Text(2),
                    .bytes = query.Integer(3)});
  }
}

}  // namespace

StatusOr<RunDatabase> RunDatabase::Open(const std::filesystem::path& path,
                                        bool read_only) {
  if (!read_only) return Open(path, SqliteAccess::kReadWrite);
  StatusOr<RunDatabase> run = Open(path, SqliteAccess::kReadOnly);
  if (!absl::IsPermissionDenied(run.status())) return run;
  std::filesystem::path log = path;
  log += "-wal";
  std::error_code none;
  const auto log_bytes = std::filesystem::file_size(log, none);
  if (none || log_bytes == 0) return Open(path, SqliteAccess::kImmutable);
  return absl::PermissionDeniedError(fmt::format(
      "{} holds commits that are not in {} yet, and reading them takes the "
      "right to write in their directory; copy the directory and look at the "
      "copy",
      log.string(), path.filename().string()));
}

StatusOr<RunDatabase> RunDatabase::Open(const std::filesystem::path& path,
                                        SqliteAccess access) {
  FEDGAP_ASSIGN_OR_RETURN(auto database, SqliteDatabase::Open(path, access));
  RunDatabase run(std::move(database));
  FEDGAP_RETURN_IF_ERROR(run.Migrate(path, access != SqliteAccess::kReadWrite));
  return run;
}

Status RunDatabase::Migrate(const std::filesystem::path& path, bool read_only) {
  int version = 0;
  {
    auto query = database_.Prepare("PRAGMA user_version");
    FEDGAP_RETURN_IF_ERROR(query.Next().status());
    version = static_cast<int>(query.Integer(0));
  }
  if (version == kSchema) return absl::OkStatus();
  if (version > kSchema) {
    return absl::FailedPreconditionError(fmt::format(
        "{} was written by a newer fedgap (schema {}, this program knows {}): "
        "use that version",
        path.string(), version, kSchema));
  }
  if (read_only && version >= kOldestRead) return absl::OkStatus();
  if (read_only) {
    return absl::FailedPreconditionError(
        fmt::format("{} has schema {}, which is older than {}: resume the run "
                    "once to bring it up to date",
                    path.string(), version, kOldestRead));
  }
  SqliteTransaction transaction(database_);
  FEDGAP_RETURN_IF_ERROR(transaction.status());
  for (int v = version; v < kSchema; ++v) {
    FEDGAP_RETURN_IF_ERROR(database_.Execute(kMigrations[v]));
  }
  FEDGAP_RETURN_IF_ERROR(
      database_.Execute(fmt::format("PRAGMA user_version = {}", kSchema)));
  return transaction.Commit();
}

StatusOr<std::optional<RunRow>> RunDatabase::ReadRun() {
  auto query = database_.Prepare(
      "SELECT run, config_toml, model_json, layout_hash, class_names, finished,"
      " seconds FROM run");
  FEDGAP_ASSIGN_OR_RETURN(const bool found, query.Next());
  if (!found) return std::optional<RunRow>();
  RunRow row;
  row.record.run.value = query.Text(0);
  row.record.config_toml = query.Text(1);
  row.record.model_json = query.Text(2);
  row.record.layout_hash = query.Text(3);
  row.record.class_names = ParseNames(query.Text(4));
  row.finished = query.Text(5);
  row.seconds = query.Real(6);
  return std::optional<RunRow>(std::move(row));
}

StatusOr<std::vector<RoundRow>> RunDatabase::ReadRounds() {
  auto query = database_.Prepare(
      "SELECT round, model, seconds, stale_evaluations, "
      "best_accuracy_millionths, accuracy_millionths, event, stop_reason "
      "FROM rounds "
      "ORDER BY round");
  std::vector<RoundRow> rows;
  while (true) {
    FEDGAP_ASSIGN_OR_RETURN(const bool found, query.Next());
    if (!found) return rows;
    rows.push_back({.round = query.Integer(0),
                    .model = query.Text(1),
                    .seconds = query.Real(2),
                    .stale_evaluations = static_cast<int>(query.Integer(3)),
                    .best_accuracy_millionths = query.Integer(4),
                    .accuracy_millionths = query.Integer(5),
                    .event = query.Text(6),
                    .stop_reason = query.Text(7)});
  }
}

StatusOr<std::vector<FileRow>> RunDatabase::ReadFiles() {
  auto query = database_.Prepare(
      "SELECT round, kind, sha256, bytes FROM files ORDER BY round, kind");
  return ReadFileRows(query);
}

StatusOr<std::vector<FileRow>> RunDatabase::ReadFilesUpTo(
    const std::string& kind, Round round) {
  auto query = database_.Prepare(
      "SELECT round, kind, sha256, bytes FROM files "
      "WHERE kind = ? AND round <= ? ORDER BY round");
  query.Bind(kind).Bind(round);
  return ReadFileRows(query);
}

StatusOr<Round> RunDatabase::BestRound() {
  auto query = database_.Prepare(
      "SELECT round FROM rounds WHERE accuracy_millionths >= 0 "
      "ORDER BY accuracy_millionths DESC, round LIMIT 1");
  FEDGAP_ASSIGN_OR_RETURN(const bool found, query.Next());
  return found ? Round{query.Integer(0)} : Round{-1};
}

StatusOr<std::vector<LedgerEntry>> RunDatabase::ReadLedger(Round round) {
  auto query = database_.Prepare(
      "SELECT client, task, digest FROM ledger WHERE round = ? "
      "ORDER BY client");
  query.Bind(round);
  std::vector<LedgerEntry> entries;
  while (true) {
    FEDGAP_ASSIGN_OR_RETURN(const bool found, query.Next());
    if (!found) return entries;
    entries.push_back({.client = {query.Text(0)},
                       .task = {query.Text(1)},
                       .digest = query.Text(2)});
  }
}

StatusOr<std::map<ClientName, Round>> RunDatabase::ReadLastContributions(
    Round round) {
  auto query = database_.Prepare(
      "SELECT client, MAX(round) FROM ledger WHERE round <= ? "
      "GROUP BY client");
  query.Bind(round);
  std::map<ClientName, Round> rounds;
  while (true) {
    FEDGAP_ASSIGN_OR_RETURN(const bool found, query.Next());
    if (!found) return rounds;
    rounds[{query.Text(0)}] = query.Integer(1);
  }
}

Status RunDatabase::InsertRun(const RunRecord& record) {
  return database_
      .Prepare(
          "INSERT INTO run(id, run, config_toml, model_json, layout_hash, "
          "class_names) VALUES(1, ?, ?, ?, ?, ?)")
      .Bind(record.run.value)
      .Bind(record.config_toml)
      .Bind(record.model_json)
      .Bind(record.layout_hash)
      .Bind(NamesToJson(record.class_names))
      .Run();
}

Status RunDatabase::InsertRound(const RoundRow& round,
                                const std::vector<FileRow>& files,
                                const std::vector<LedgerEntry>& ledger) {
  FEDGAP_RETURN_IF_ERROR(
      database_.Prepare("DELETE FROM rounds WHERE round >= ?")
          .Bind(round.round)
          .Run());
  FEDGAP_RETURN_IF_ERROR(
      database_.Prepare("INSERT INTO rounds VALUES(?, ?, ?, ?, ?, ?, ?, ?)")
          .Bind(round.round)
          .Bind(round.model)
          .Bind(round.seconds)
          .Bind(std::int64_t{round.stale_evaluations})
          .Bind(round.best_accuracy_millionths)
          .Bind(round.accuracy_millionths)
          .Bind(round.event)
          .Bind(round.stop_reason)
          .Run());
  for (const FileRow& file : files) {
    FEDGAP_RETURN_IF_ERROR(
        database_.Prepare("INSERT INTO files VALUES(?, ?, ?, ?)")
            .Bind(round.round)
            .Bind(file.kind)
            .Bind(file.sha256)
            .Bind(file.bytes)
            .Run());
  }
  for (const LedgerEntry& entry : ledger) {
    FEDGAP_RETURN_IF_ERROR(
        database_.Prepare("INSERT INTO ledger VALUES(?, ?, ?, ?)")
            .Bind(round.round)
            .Bind(entry.client.value)
            .Bind(entry.task.value)
            .Bind(entry.digest)
            .Run());
  }
  return absl::OkStatus();
}

Status RunDatabase::DeleteFiles(const std::vector<FileRow>& files) {
  for (const FileRow& file : files) {
    FEDGAP_RETURN_IF_ERROR(
        database_.Prepare("DELETE FROM files WHERE round = ? AND kind = ?")
            .Bind(file.round)
            .Bind(file.kind)
            .Run());
  }
  return absl::OkStatus();
}

Status RunDatabase::SetFinished(const std::string& reason, double seconds) {
  return database_.Prepare("UPDATE run SET finished = ?, seconds = ?")
      .Bind(reason)
      .Bind(seconds)
      .Run();
}

}  // namespace fedgap
