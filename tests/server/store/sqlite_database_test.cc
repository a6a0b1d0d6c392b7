#include "server/store/sqlite_database.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

// Megabytes of rows, in one commit and in many: what SQLite holds of them is
// bounded. A run of a thousand rounds writes as much.
TEST(SqliteDatabaseTest, HoldsNoMoreOfMegabytesThanItsCache) {
  const TempDir dir;
  auto database =
      SqliteDatabase::Open(dir / "rows.sqlite", SqliteAccess::kReadWrite);
  ASSERT_OK(database);
  ASSERT_OK(database->Execute("CREATE TABLE t(id INTEGER PRIMARY KEY, x)"));
  ASSERT_GT(sqlite3_memory_used(), 0) << "SQLite does not count its memory";
  for (const int commits : {1, 40}) {
    for (int commit = 0; commit < commits; ++commit) {
      SqliteTransaction transaction(*database);
      for (int i = 0; i < 4000 / commits; ++i) {
        ASSERT_OK(database->Prepare("INSERT INTO t(x) VALUES(?)")
                      .Bind(std::string(1000, 'x'))
                      .Run());
      }
      ASSERT_OK(transaction.Commit());
    }
    EXPECT_LT(sqlite3_memory_used(), 512 << 10) << commits;
  }
}

}  // namespace
}  // namespace fedgap
