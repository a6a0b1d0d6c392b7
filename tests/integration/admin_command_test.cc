// `fedgap status` and `fedgap admin` against a real server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

class AdminCommandTest : public FederationPrograms {
 protected:
  void SetUp() override {
    FederationPrograms::SetUp();
    ASSERT_EQ(
        RunProgram({kBin + "fedgap", "certs", "issue", (dir_ / "ca").string(),
                    "--out", (dir_ / "bundles").string(), "--name=ops",
                    "--role=admin"})
            .exit_code,
        0);
  }
  std::vector<std::string> Words(std::vector<std::string> command,
                                 const std::string& who = "ops") const {
    command.insert(command.begin(), kBin + "fedgap");
    for (const std::string& word :
         {std::string("--server"), "localhost:" + port_, std::string("--certs"),
          (dir_ / "bundles" / who).string()}) {
      command.push_back(word);
    }
    return command;
  }
  ProgramResult Ask(const std::vector<std::string>& command,
                    const std::string& who = "ops") const {
    return RunProgram(Words(command, who));
  }
};

TEST_F(AdminCommandTest, StatusShowsTheRunAndItsClients) {
  const auto server = StartServer();
  const auto client = StartClient(0);
  ASSERT_TRUE(server->WaitForLine("waiting for clients: 1 of 6 connected (a)"));
  const ProgramResult status = Ask({"status"});
  EXPECT_EQ(status.exit_code, 0) << status.err;
  EXPECT_THAT(status.out,
              AllOf(HasSubstr("waiting for clients"), HasSubstr("0/3"),
                    HasSubstr("1 connected, 6 needed"),
                    ContainsRegex("a +connected +- +60 +0 +0")));
}

TEST_F(AdminCommandTest, WatchSaysEachChangeUntilTheRunIsOver) {
  const auto server = StartServer();
  Process watch(Words({"status", "--watch"}));
  ASSERT_TRUE(watch.WaitForLine("waiting for clients"));
  const auto clients = StartClients();
  ExpectSuccess(*server);
  const ProgramResult result = watch.Wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("3 of 3 rounds committed"),
                                Not(HasSubstr("round 4"))));
}

TEST_F(AdminCommandTest, AWatchOnATerminalEndsWithTheFinishedRun) {
  const auto server = StartServer();
  Process watch(
      {"/usr/bin/script", "-qec",
       fmt::format("{}", fmt::join(Words({"status", "--watch"}), " ")),
       "/dev/null"},
      {"TERM=xterm"});
  ASSERT_TRUE(watch.WaitForLine("waiting for clients"));
  const auto clients = StartClients();
  ExpectSuccess(*server);
  const ProgramResult result = watch.Wait();
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  const std::string last = result.out.substr(result.out.rfind("run "));
  EXPECT_THAT(last, AllOf(HasSubstr("finished"), HasSubstr("3/3 committed")));
}

TEST_F(AdminCommandTest, PauseResumeAndStopAreTakenAndLogged) {
  const auto server = StartServer();
  EXPECT_THAT(Ask({"admin", "pause"}).out, HasSubstr("paused"));
  EXPECT_THAT(Ask({"admin", "resume"}).out, HasSubstr("waiting for clients"));
  EXPECT_EQ(Ask({"admin", "stop", "--reason", "new data"}).exit_code, 0);
  ExpectSuccess(*server);
  const auto finished = Events<RunFinishedEvent>();
  ASSERT_EQ(finished.size(), 1U);
  EXPECT_EQ(finished[0].reason, "stopped by operator ops (new data)");
  const auto pauses = Events<PauseEvent>();
  ASSERT_EQ(pauses.size(), 2U);
  EXPECT_EQ(pauses[0].by, "operator ops");
}

TEST_F(AdminCommandTest, OnlyAnAdministratorIsAnswered) {
  const auto server = StartServer();
  const ProgramResult client = Ask({"status"}, "a");
  EXPECT_EQ(client.exit_code, 1);
  EXPECT_THAT(client.err, HasSubstr("admin"));
  const ProgramResult nobody =
      RunProgram({kBin + "fedgap", "status", "--server", "localhost:" + port_});
  EXPECT_EQ(nobody.exit_code, 1);
  EXPECT_THAT(nobody.err, HasSubstr("--role admin"));
  const ProgramResult plain =
      RunProgram({kBin + "fedgap", "status", "--insecure", "--server",
                  "localhost:" + port_});
  EXPECT_EQ(plain.exit_code, 1);
  EXPECT_THAT(plain.err, HasSubstr("uses TLS"));
  const ProgramResult both = Ask({"status", "--insecure"});
  EXPECT_EQ(both.exit_code, 1);
  EXPECT_THAT(both.err, HasSubstr("contradict each other"));
}

TEST_F(AdminCommandTest, SaysThatNoServerIsThere) {
  const ProgramResult result = Ask({"admin", "pause"});  // port 1
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no connection to localhost:1: connection "
                                    "refused"));
}

}  // namespace
}  // namespace fedgap
