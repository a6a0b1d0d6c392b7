// SQLite behind three small classes. Private to server/store: nothing else
// includes sqlite3.h.
#ifndef FEDGAP_SERVER_STORE_SQLITE_DATABASE_H_
#define FEDGAP_SERVER_STORE_SQLITE_DATABASE_H_

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

struct SqliteCloser {
  void operator()(sqlite3* database) const { sqlite3_close(database); }
  void operator()(sqlite3_stmt* statement) const {
    sqlite3_finalize(statement);
  }
};

// A prepared statement with its values bound in order. After an error every
// further call does nothing and Run or Next returns it.
class SqliteStatement {
 public:
  SqliteStatement& Bind(std::int64_t value);
  SqliteStatement& Bind(double value);
  SqliteStatement& Bind(std::string_view value);

  // For statements without rows.
  Status Run();
  // Whether there is a (next) row; its columns are then readable.
  StatusOr<bool> Next();

  std::int64_t Integer(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;

 private:
  friend class SqliteDatabase;
  SqliteStatement(sqlite3* database, std::string_view sql, std::string path);
  void Keep(int code);

  sqlite3* database_;
  std::string path_;
  std::unique_ptr<sqlite3_stmt, SqliteCloser> statement_;
  int bound_ = 0;
  Status status_;
};

enum class SqliteAccess {
  kReadWrite,  // makes the file if there is none
  // SQLite still writes beside the file, an index of the log:
  // PERMISSION_DENIED at the first statement where it cannot.
  kReadOnly,
  // Nothing is written, and the log is not read: for a file that nobody
  // changes and that has all.
  kImmutable,
};

// One connection. Not thread-safe. Codes of every call: RESOURCE_EXHAUSTED
// (disk full), PERMISSION_DENIED (read-only), DATA_LOSS (not a database, or a
// corrupt one), UNAVAILABLE (busy, input or output failed); messages name the
// file.
class SqliteDatabase {
 public:
  // Write-ahead log, synchronous = FULL: a committed transaction survives a
  // power failure.
  static StatusOr<SqliteDatabase> Open(const std::filesystem::path& path,
                                       SqliteAccess access);

  SqliteStatement Prepare(std::string_view sql) {
    return SqliteStatement(database_.get(), sql, path_);
  }
  // Statements without values or rows, separated by semicolons.
  Status Execute(const std::string& sql);

 private:
  SqliteDatabase(sqlite3* database, std::string path)
      : database_(database), path_(std::move(path)) {}

  std::unique_ptr<sqlite3, SqliteCloser> database_;
  std::string path_;
};

// BEGIN IMMEDIATE until Commit; rolled back if that never succeeds.
class SqliteTransaction {
 public:
  explicit SqliteTransaction(SqliteDatabase& database)
      : database_(database), status_(database.Execute("BEGIN IMMEDIATE")) {}
  ~SqliteTransaction();
  SqliteTransaction(const SqliteTransaction&) = delete;
  SqliteTransaction& operator=(const SqliteTransaction&) = delete;

  // Whether the transaction began.
  const Status& status() const { return status_; }
  Status Commit();

 private:
  SqliteDatabase& database_;
  Status status_;
  bool committed_ = false;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_STORE_SQLITE_DATABASE_H_
