#include "cli/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class OutputFileTest : public ::testing::Test {
 protected:
  std::ptrdiff_t Entries() const {
    return std::distance(fs::directory_iterator(dir_.path()), {});
  }

  TempDir dir_;
};

TEST_F(OutputFileTest, AppearsWholeWhenItIsCommitted) {
  const fs::path path = dir_ / "new/folder/out.csv";
  auto file = OutputFile::Create({.path = path});
  ASSERT_OK(file);
  const std::string block(100'000, 'x');
  (*file)->Append("head\n");
  (*file)->Append(block);
  EXPECT_FALSE(fs::exists(path));
  ASSERT_OK((*file)->Commit());
  EXPECT_EQ(ReadFileText(path).value(), "head\n" + block);
  EXPECT_EQ(fs::status(path).permissions(), static_cast<fs::perms>(0644));
}

TEST_F(OutputFileTest, LeavesNothingWithoutACommit) {
  { ASSERT_OK(OutputFile::Create({.path = dir_ / "out"})); }
  EXPECT_EQ(Entries(), 0);
}

TEST_F(OutputFileTest, KeepsAFileThatIsThere) {
  const fs::path path = dir_ / "out";
  ASSERT_OK(WriteFileAtomic(path, std::string_view("mine")));
  const auto refused = OutputFile::Create({.path = path});
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(MessageOf(refused.status()), HasSubstr(path.string()));
  auto forced = OutputFile::Create({.path = path, .replace = true});
  ASSERT_OK(forced);
  (*forced)->Append("yours");
  ASSERT_OK((*forced)->Commit());
  EXPECT_EQ(ReadFileText(path).value(), "yours");
}

TEST_F(OutputFileTest, KeepsAFileThatCameMeanwhile) {
  const fs::path path = dir_ / "out";
  auto file = OutputFile::Create({.path = path});
  ASSERT_OK(file);
  ASSERT_OK(WriteFileAtomic(path, std::string_view("mine")));
  EXPECT_EQ((*file)->Commit().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(ReadFileText(path).value(), "mine");
  file->reset();
  EXPECT_EQ(Entries(), 1);
}

TEST_F(OutputFileTest, NamesWhatIsInTheWay) {
  fs::create_directory(dir_ / "out");
  const auto directory =
      OutputFile::Create({.path = dir_ / "out", .replace = true});
  EXPECT_THAT(MessageOf(directory.status()), HasSubstr("is a directory"));
  ASSERT_OK(WriteFileAtomic(dir_ / "file", std::string_view("x")));
  const auto below = OutputFile::Create({.path = dir_ / "file/out"});
  EXPECT_FALSE(below.ok());
  EXPECT_THAT(MessageOf(below.status()), HasSubstr((dir_ / "file").string()));
}

}  // namespace
}  // namespace fedgap
