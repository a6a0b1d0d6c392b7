#include "server/server_program.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "common/base/file_io.h"
#include "common/federation/model_choice.h"
#include "common/federation/model_file.h"
#include "common/federation/model_id.h"
#include "server/store/sqlite_database.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

// Servers that are told to stop before their first round.
class ServerProgramTest : public ::testing::Test {
 protected:
  ServerProgramTest() {
    config_.model.name = "gap-cnn-s";
    config_.model.width = 2;
    settings_.listen = "127.0.0.1:0";
    settings_.access.insecure = true;
    settings_.run_dir = (dir_ / "run").string();
    settings_.quiet = true;
    settings_.log.level = "error";
  }

  // The signal waits until the server looks for it: then it has opened the run
  // and has no client.
  Status RunAndStop() {
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    EXPECT_EQ(::pthread_sigmask(SIG_BLOCK, &stop, nullptr), 0);
    EXPECT_EQ(::kill(::getpid(), SIGTERM), 0);
    return RunServer(settings_, config_);
  }

  TempDir dir_;
  RunConfig config_;
  ServerSettings settings_;
};

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
  EXPECT_OK(RunAndStop());
  std::filesystem::remove(dir_ / "start.safetensors");
  EXPECT_OK(RunAndStop());
  settings_.run_dir = (dir_ / "another").string();
  EXPECT_THAT(RunAndStop(),
              Fails(absl::StatusCode::kNotFound, HasSubstr("start")));
}

TEST_F(ServerProgramTest, ARunOfAnotherConfigurationIsNotGoneOnWith) {
  EXPECT_OK(RunAndStop());
  // The copy for people; what counts is in the database.
  std::filesystem::remove(dir_ / "run" / "config.toml");
  EXPECT_OK(RunAndStop());
  config_.seed = 2;
  EXPECT_THAT(RunAndStop(),
              Fails(absl::StatusCode::kFailedPrecondition,
                    HasSubstr("stored 'seed = 1', given 'seed = 2'")));
}

// A version that has a key more goes on with the runs of the one before.
TEST_F(ServerProgramTest, ARunThatLacksANewKeyIsGoneOnWith) {
  EXPECT_OK(RunAndStop());
  {
    ASSERT_OK_AND_ASSIGN(SqliteDatabase database,
                         SqliteDatabase::Open(dir_ / "run" / "state.db",
                                              SqliteAccess::kReadWrite));
    ASSERT_OK(database.Execute(
        "UPDATE run SET config_toml = replace(config_toml, 'upload_slots = 16' "
        "|| char(10), '')"));
  }
  EXPECT_OK(RunAndStop());
  config_.aggregation.upload_slots = 8;
  EXPECT_THAT(
      RunAndStop(),
      Fails(absl::StatusCode::kFailedPrecondition,
            HasSubstr("'upload_slots = 16', given 'upload_slots = 8'")));
}

TEST_F(ServerProgramTest, AnAllowedClientThatIsNoNameIsShown) {
  for (const auto& [entry, words] :
       std::vector<std::pair<std::string, std::string>>{
           {"site 2", "server.allowed_clients: 'site 2' has the character"},
           {"", "server.allowed_clients: '' is empty"},
           {"-x", "server.allowed_clients: '-x' starts with '-'"}}) {
    settings_.allowed_clients = {"site-1", entry};
    EXPECT_THAT(RunServer(settings_, config_),
                Fails(absl::StatusCode::kInvalidArgument, HasSubstr(words)));
  }
}

// The lines of the run and those of the log alike.
TEST_F(ServerProgramTest, WithJsonEveryLineOnStdoutIsAnObject) {
  settings_.quiet = false;
  settings_.log.level = "info";
  settings_.log.format = "json";
  testing::internal::CaptureStdout();
  EXPECT_OK(RunAndStop());
  std::istringstream lines(testing::internal::GetCapturedStdout());
  std::string messages;
  for (std::string line; std::getline(lines, line);) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(object.is_object()) << line;
    messages += object["message"].get<std::string>() + "\n";
  }
  EXPECT_THAT(messages, HasSubstr("parameters"));
  EXPECT_THAT(messages, HasSubstr("run directory: " + settings_.run_dir));
}

}  // namespace
}  // namespace fedgap
