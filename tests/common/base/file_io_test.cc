#include "common/base/file_io.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/stat.h>
#include <cerrno>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

TEST(FileIoTest, ReadsBackWhatItWrote) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomic(dir / "a", "one"));
  ASSERT_OK(WriteFileAtomic(dir / "a", "two"));
  ASSERT_OK_AND_ASSIGN(const std::string text, ReadFileText(dir / "a"));
  EXPECT_EQ(text, "two");
  // No temporary is left beside it.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}),
            1);
}

TEST(FileIoTest, GivesTheModeThatWasAskedFor) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomic(dir / "key", "secret", {.mode = 0600}));
  struct stat info {};
  ASSERT_EQ(::stat((dir / "key").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(FileIoTest, NamesTheFileThatIsMissing) {
  TempDir dir;
  EXPECT_THAT(ReadFileText(dir / "none"),
              Fails(absl::StatusCode::kNotFound, HasSubstr("none")));
  EXPECT_THAT(WriteFileAtomic(dir / "no/such", "x"),
              HasCode(absl::StatusCode::kNotFound));
}

TEST(FileIoTest, RefusesADirectoryAndAFileThatIsTooLarge) {
  TempDir dir;
  EXPECT_THAT(ReadFileText(dir.path()),
              HasCode(absl::StatusCode::kInvalidArgument));
  ASSERT_OK(WriteFileAtomic(dir / "a", "12345"));
  EXPECT_THAT(ReadFileText(dir / "a", 4),
              HasCode(absl::StatusCode::kResourceExhausted));
}

TEST(FileIoTest, ReadsAFileWithoutASize) {
  ASSERT_OK_AND_ASSIGN(const std::string text,
                       ReadFileText("/proc/self/status"));
  EXPECT_THAT(text, HasSubstr("Name:"));
}

TEST(FileIoTest, KeepsTheOldFileWhenTheDiskIsFull) {
  EXPECT_THAT(WriteFileAtomic("/dev/full/x", "abc"),
              HasCode(absl::StatusCode::kNotFound));
}

TEST(ErrnoStatusTest, WhatDoesNotFitIsExhausted) {
  for (const int error : {ENOSPC, EDQUOT, EFBIG}) {
    EXPECT_THAT(ErrnoStatus(error, "write", "f"),
                Fails(absl::StatusCode::kResourceExhausted,
                      HasSubstr("cannot write f")));
  }
}

}  // namespace
}  // namespace fedgap
