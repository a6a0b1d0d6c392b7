#include "client/client_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using testing::HasSubstr;

// A folder of two classes, ten grey images of 1x1 each.
void WriteFolder(const std::filesystem::path& root) {
  for (const char* name : {"cat", "dog"}) {
    std::filesystem::create_directory(root / name);
    for (char i = 'a'; i < 'a' + 10; ++i) {
      ASSERT_OK(WriteFileAtomic(root / name / (std::string(1, i) + ".pgm"),
                                "P5 1 1 255\nx"));
    }
  }
}

TEST(LoadClientDataTest, AFolderMayBeTrainingDataAsAWhole) {
  TempDir dir;
  WriteFolder(dir.path());
  ClientSettings settings;
  settings.data = "folder:" + dir.path().string();
  EXPECT_EQ(LoadClientData(settings).value().data->size(), 16);
  settings.test_fraction = 0;
  EXPECT_EQ(LoadClientData(settings).value().data->size(), 20);
  settings.test_fraction = 0.2;
  settings.split = "all";
  EXPECT_EQ(LoadClientData(settings).value().data->size(), 20);
}

TEST(LoadClientDataTest, SaysWhatIsWrong) {
  ClientSettings settings;
  EXPECT_THAT(LoadClientData(settings),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("--data")));
  settings.data = "synthetic:1,60";
  settings.part = "7/6";
  EXPECT_THAT(LoadClientData(settings),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("I/N")));
}

TEST(LoadClientDataTest, APartitionIsNotIgnoredWithoutAPart) {
  ClientSettings settings;
  settings.data = "synthetic:1,60";
  for (const char* wrong : {"foo", "dirichlet:-1"}) {
    settings.partition = wrong;
    EXPECT_THAT(LoadClientData(settings),
                Fails(absl::StatusCode::kInvalidArgument, HasSubstr(wrong)));
  }
  settings.partition = "dirichlet:0.5";
  EXPECT_THAT(
      LoadClientData(settings),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("add --part I/N")));
  settings.part = "2/6";
  EXPECT_OK(LoadClientData(settings));
}

}  // namespace
}  // namespace fedgap
