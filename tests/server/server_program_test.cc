#include "server/server_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "common/base/file_io.h"
#include "common/federation/model_choice.h"
#include "common/federation/model_file.h"
#include "common/federation/model_id.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

// Servers that get as far as their port and no further.
class ServerProgramTest : public ::testing::Test {
 protected:
  ServerProgramTest() {
    config_.model.name = "gap-cnn-s";
    config_.model.width = 2;
    settings_.listen = "nowhere";
    settings_.access.insecure = true;
    settings_.run_dir = (dir_ / "run").string();
    settings_.quiet = true;
    settings_.log.level = "error";
  }

  // The error of a server that was content with everything but its port.
  static auto FailsAtThePort() {
    return Fails(absl::StatusCode::kInvalidArgument, HasSubstr("nowhere"));
  }

  TempDir dir_;
  RunConfig config_;
  ServerSettings settings_;
};

// Both happen when the disk is full; the cause is what the user must hear.
TEST_F(ServerProgramTest, AReportThatCannotBeWrittenHidesNoOtherError) {
  std::filesystem::create_directories(dir_ / "run" / "report.json");
  EXPECT_THAT(RunServer(settings_, config_), FailsAtThePort());
}

TEST_F(ServerProgramTest, TheInitialModelIsReadOnceInARun) {
  const auto model = Model::Create(ChooseModel(config_.model).value()).value();
  const Parameters start = model->InitialParameters(7);
  ASSERT_OK(WriteFileAtomic(
      dir_ / "start.safetensors",
      EncodeModelFile(*model, start,
                      {.id = DigestModel(LayoutHash(model->layout()), start).id,
                       .run = {},
                       .round = 0,
                       .class_names = {}})));
  config_.model.init_from = (dir_ / "start.safetensors").string();
  EXPECT_THAT(RunServer(settings_, config_), FailsAtThePort());
  std::filesystem::remove(dir_ / "start.safetensors");
  EXPECT_THAT(RunServer(settings_, config_), FailsAtThePort());
  settings_.run_dir = (dir_ / "another").string();
  EXPECT_THAT(RunServer(settings_, config_),
              Fails(absl::StatusCode::kNotFound, HasSubstr("start")));
}

TEST_F(ServerProgramTest, ARunOfAnotherConfigurationIsNotGoneOnWith) {
  EXPECT_THAT(RunServer(settings_, config_), FailsAtThePort());
  // The copy for people; what counts is in the database.
  std::filesystem::remove(dir_ / "run" / "config.toml");
  EXPECT_THAT(RunServer(settings_, config_), FailsAtThePort());
  config_.seed = 2;
  EXPECT_THAT(RunServer(settings_, config_),
              Fails(absl::StatusCode::kFailedPrecondition,
                    HasSubstr("stored 'seed = 1', given 'seed = 2'")));
}

}  // namespace
}  // namespace fedgap
