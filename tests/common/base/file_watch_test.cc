#include "common/base/file_watch.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

// A wait that ends only when it should would hang here otherwise, and ctest
// would end it.
TEST(FileWatchTest, ReturnsWhenAFileOfTheDirectoryGrows) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(FileWatch watch, FileWatch::Create(dir.path()));
  std::thread writer([&dir] { std::ofstream(dir / "log") << "a line\n"; });
  watch.Wait(hours(1));
  writer.join();
}

TEST(FileWatchTest, AChangeBeforeTheWaitIsNotLost) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(FileWatch watch, FileWatch::Create(dir.path()));
  std::ofstream(dir / "log") << "a line\n";
  watch.Wait(hours(1));
}

TEST(FileWatchTest, WakeEndsAWait) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(FileWatch watch, FileWatch::Create(dir.path()));
  std::thread other([&watch] { watch.Wake(); });
  watch.Wait(hours(1));
  other.join();
}

TEST(FileWatchTest, WaitsNoLongerThanTheTimeout) {
  const TempDir dir;
  ASSERT_OK_AND_ASSIGN(FileWatch watch, FileWatch::Create(dir.path()));
  watch.Wait(milliseconds(1));
}

TEST(FileWatchTest, SaysWhatItCannotWatch) {
  const TempDir dir;
  EXPECT_THAT(FileWatch::Create(dir / "none"), HasCode(kNotFound));
}

}  // namespace
}  // namespace fedgap
