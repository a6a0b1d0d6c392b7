#include "server/store/sqlite_database.h"

#include <fmt/format.h>

#include <utility>

namespace fedgap {
namespace {

// Of damage. The models are files of their own.
std::string WayOut(const std::filesystem::path& path) {
  return fmt::format(
      "; restore the run's directory from a backup, or start a new run from "
      "its newest model that is whole: --set model.init_from={}",
      (path.parent_path() / "models" / "round-...").string());
}

// SQLite's name for a file that is opened with parameters.
std::string ImmutableUri(const std::string& path) {
  std::string uri = "file:";
  for (const char c : path) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02x}", c);
    } else {
      uri += c;
    }
  }
  return uri + "?immutable=1";
}

int OpenFlags(SqliteAccess access) {
  switch (access) {
    case SqliteAccess::kReadWrite:
      return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    case SqliteAccess::kReadOnly:
      return SQLITE_OPEN_READONLY;
    case SqliteAccess::kImmutable:
      break;
  }
  return SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
}

Status ToStatus(int code, sqlite3* database, const std::string& path) {
  const std::string message = fmt::format(
      "{}: {}", path,
      database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code));
  switch (code & 0xff) {  // the rest of the bits say more of the same
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(message);
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_AUTH:
      return absl::PermissionDeniedError(message);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(message + WayOut(path));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
      return absl::UnavailableError(message);
    default:
      return absl::InternalError(message);
  }
}

}  // namespace

SqliteStatement::SqliteStatement(sqlite3* database, std::string_view sql,
                                 std::string path)
    : database_(database), path_(std::move(path)) {
  sqlite3_stmt* statement = nullptr;
  Keep(sqlite3_prepare_v2(database_, sql.data(), static_cast<int>(sql.size()),
                          &statement, nullptr));
  statement_.reset(statement);
}

void SqliteStatement::Keep(int code) {
  if (code != SQLITE_OK) status_.Update(ToStatus(code, database_, path_));
}

SqliteStatement& SqliteStatement::Bind(std::int64_t value) {
  if (status_.ok()) {
    Keep(sqlite3_bind_int64(statement_.get(), ++bound_, value));
  }
  return *this;
}

SqliteStatement& SqliteStatement::Bind(double value) {
  if (status_.ok()) {
    Keep(sqlite3_bind_double(statement_.get(), ++bound_, value));
  }
  return *this;
}

SqliteStatement& SqliteStatement::Bind(std::string_view value) {
  if (status_.ok()) {
    Keep(sqlite3_bind_text64(statement_.get(), ++bound_, value.data(),
                             value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  return *this;
}

Status SqliteStatement::Run() {
  const auto row = Next();
  return row.ok() ? absl::OkStatus() : row.status();
}

StatusOr<bool> SqliteStatement::Next() {
  if (!status_.ok()) return status_;
  const int code = sqlite3_step(statement_.get());
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  Keep(code);
  return status_;
}

std::int64_t SqliteStatement::Integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double SqliteStatement::Real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

std::string SqliteStatement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_.get(), column);
  if (text == nullptr) return "";
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(size)};
}

StatusOr<SqliteDatabase> SqliteDatabase::Open(const std::filesystem::path& path,
                                              SqliteAccess access) {
  sqlite3* handle = nullptr;
  const std::string name = access == SqliteAccess::kImmutable
                               ? ImmutableUri(path.string())
                               : path.string();
  const int code =
      sqlite3_open_v2(name.c_str(), &handle, OpenFlags(access), nullptr);
  SqliteDatabase database(handle, path.string());
  if (code != SQLITE_OK) return ToStatus(code, handle, path.string());
  // A reader may meet the moment of a commit.
  sqlite3_busy_timeout(handle, 5000);
  if (access == SqliteAccess::kReadWrite) {
    // Pages stay in the cache until it is full, which with SQLite's own 2 MB
    // takes hundreds of rounds and looks like a leak until then. A commit
    // appends and reads next to nothing: 256 KiB hold what it touches, and a
    // larger one spills.
    FEDGAP_RETURN_IF_ERROR(database.Execute(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; "
        "PRAGMA foreign_keys = ON; PRAGMA cache_size = -256"));
  }
  return database;
}

Status SqliteDatabase::Execute(const std::string& sql) {
  const int code =
      sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) return absl::OkStatus();
  return ToStatus(code, database_.get(), path_);
}

SqliteTransaction::~SqliteTransaction() {
  if (!status_.ok() || committed_) return;
  // Fails only where SQLite has rolled back by itself.
  database_.Execute("ROLLBACK").IgnoreError();
}

Status SqliteTransaction::Commit() {
  FEDGAP_RETURN_IF_ERROR(status_);
  FEDGAP_RETURN_IF_ERROR(database_.Execute("COMMIT"));
  committed_ = true;
  return absl::OkStatus();
}

}  // namespace fedgap
