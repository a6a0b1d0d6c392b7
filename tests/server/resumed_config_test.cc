#include "server/resumed_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "common/base/file_io.h"
#include "common/config/run_config_toml.h"
#include "server/store/run_directory.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

class ResumedConfigTest : public ::testing::Test {
 protected:
  ResumedConfigTest() {
    stored_.rounds = 7;
    EXPECT_OK(
        WriteFileAtomic(RunDirectory{dir_.path()}.config(), ToToml(stored_)));
  }

  TempDir dir_;
  RunConfig stored_;
};

TEST_F(ResumedConfigTest, IsTheStoredOne) {
  ASSERT_OK_AND_ASSIGN(const RunConfig config,
                       ResumedConfig(dir_.path().string(), std::nullopt,
                                     {"server.listen=127.0.0.1:0"}));
  EXPECT_EQ(config.rounds, 7);
  EXPECT_OK(ResumedConfig(dir_.path().string(), stored_, {}));
}

TEST_F(ResumedConfigTest, RefusesAnOverrideOfTheRun) {
  EXPECT_THAT(
      ResumedConfig(dir_.path().string(), std::nullopt, {"run.rounds=9"}),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("run.rounds=9")));
}

TEST_F(ResumedConfigTest, RefusesAnotherDirectory) {
  const std::string directory = dir_.path().string();
  EXPECT_THAT(
      ResumedConfig(directory, std::nullopt, {"server.run_dir=elsewhere"}),
      Fails(absl::StatusCode::kInvalidArgument,
            HasSubstr("leave --run-dir out")));
  EXPECT_OK(
      ResumedConfig(directory, std::nullopt, {"server.run_dir=" + directory}));
}

TEST_F(ResumedConfigTest, RefusesTheFileOfAnotherRun) {
  RunConfig other = stored_;
  other.rounds = 9;
  EXPECT_THAT(ResumedConfig(dir_.path().string(), other, {}),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("--config")));
}

TEST_F(ResumedConfigTest, SaysThatThereIsNoRun) {
  EXPECT_THAT(ResumedConfig((dir_ / "none").string(), std::nullopt, {}),
              Fails(absl::StatusCode::kNotFound, HasSubstr("holds no run")));
}

}  // namespace
}  // namespace fedgap
