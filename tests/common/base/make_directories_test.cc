#include "common/base/make_directories.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file_io.h"
#include "tests/testing/recorded_syncs.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;

TEST(MakeDirectoriesTest, TheirNamesAreOnDisk) {
  TempDir dir;
  ASSERT_OK(MakeDirectories(dir / "a/b/c/"));
  EXPECT_TRUE(std::filesystem::is_directory(dir / "a/b/c"));
  EXPECT_THAT(RecordedSyncs(),
              IsSupersetOf({dir.path(), dir / "a", dir / "a/b"}));
  // It may be there and not yet on disk.
  const std::size_t before = RecordedSyncs().size();
  ASSERT_OK(MakeDirectories(dir / "a/b/c"));
  ASSERT_EQ(RecordedSyncs().size(), before + 1);
  EXPECT_EQ(RecordedSyncs().back(), dir / "a/b");
}

TEST(MakeDirectoriesTest, SaysWhatCannotBeMade) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomic(dir / "a", "a file"));
  EXPECT_THAT(MakeDirectories(dir / "a/b"),
              Fails(absl::StatusCode::kNotFound, HasSubstr("a/b")));
  EXPECT_OK(MakeDirectories("/"));
}

}  // namespace
}  // namespace fedgap
