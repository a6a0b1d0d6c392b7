// What the programs tell the people who start them, and what they leave alone.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class OperatorTest : public FederationPrograms {
 protected:
  // A server that fails to start says `why` and leaves nothing behind.
  void ExpectNoTrace(const std::vector<std::string>& words,
                     const std::string& why, int exit_code = 1) {
    const ProgramResult result = RunProgram(words);
    EXPECT_EQ(result.exit_code, exit_code);
    EXPECT_THAT(result.err, HasSubstr(why));
    EXPECT_THAT(result.err, Not(HasSubstr(".cc:"))) << "a line of gRPC";
    EXPECT_THAT(result.out, Not(HasSubstr("rounds")));
    EXPECT_FALSE(std::filesystem::exists(run()));
  }
};

TEST_F(OperatorTest, AServerThatCannotListenLeavesNoRunBehind) {
  ExpectNoTrace({kBin + "fedgap-server", "--run-dir", run()},
                "fedgap certs init");
  ExpectNoTrace(ServerWords("no address"), "no server address", 2);
  ExpectNoTrace(ServerWords("192.0.2.1:0"), "no such address");
  std::vector<std::string> words = ServerWords("127.0.0.1:0");
  words.back() = (dir_ / "nowhere/port").string();
  ExpectNoTrace(words, "nowhere");
  words.back() = dir_.path().string();
  ExpectNoTrace(words, "is a directory");
  words = ServerWords("127.0.0.1:0");
  words[4] = (dir_ / "no-certs").string();
  ExpectNoTrace(words, "no-certs");
}

// docs/COMMAND_LINE.md; a supervisor does not start it again.
TEST_F(OperatorTest, WrongUsageEndsWithItsOwnCode) {
  const std::string server = "fedgap-server";
  const std::string client = "fedgap-client";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{server, "--log-level", "loud"},
        {server, "--set", "run.rounds"},
        {server, "--listen", "127.0.0.1:99999", "--insecure"},
        {client, "--threads", "0"},
        {client, "--channels", "9"},
        {client, "--data", "synthetic:1,60", "--partition", "foo", "--insecure",
         "--name", "a"},
        {"fedgap", "simulate", "--set", "run.rounds=0"},
        {"fedgap", "status", "--insecure", "--server", "here"}}) {
    std::vector<std::string> command = words;
    command[0] = kBin + words[0];
    const ProgramResult result = RunProgram(command);
    EXPECT_EQ(result.exit_code, 2)
        << testing::PrintToString(words) << result.err;
  }
}

TEST_F(OperatorTest, CertificatesAndNoneContradictEachOther) {
  std::vector<std::string> words = ServerWords("127.0.0.1:0");
  words.emplace_back("--insecure");
  ExpectNoTrace(words, "contradict each other");
  words = ClientWords(0);
  words.emplace_back("--insecure");
  ExpectNoTrace(words, "contradict each other");
  // Nor do the environment or a file take TLS from who asks for it.
  Process open(ServerWords("127.0.0.1:0"), {"FEDGAP_SERVER__INSECURE=true"});
  const ProgramResult refused = open.Wait();
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("contradict each other"));
  // What an image sets in its environment gives way to the command line.
  Process server(
      {kBin + "fedgap-server", "--config", (dir_ / "server.toml").string(),
       "--insecure", "--run-dir", run(), "--listen", "127.0.0.1:0",
       "--port-file", (dir_ / "port").string()},
      {"FEDGAP_SERVER__CERTS=/certs"});
  EXPECT_TRUE(server.WaitForFile(dir_ / "port"));
}

TEST_F(OperatorTest, TheServerShowsItsRunInABrowser) {
  std::vector<std::string> words = ServerWords("127.0.0.1:0");
  words.insert(words.end(), {"--dashboard", "127.0.0.1:0"});
  Process server(words);
  EXPECT_TRUE(server.WaitForLine("dashboard: http://127.0.0.1:"));
  EXPECT_TRUE(server.WaitForFile(dir_ / "port"));
  server.Signal(SIGTERM);
  EXPECT_EQ(server.Wait().exit_code, 0);

  words = ServerWords("127.0.0.1:0");
  words[6] = (dir_ / "other-run").string();
  words.insert(words.end(), {"--dashboard", "0.0.0.0:0",
                             "--dashboard-token-file", dir_ / "no-token"});
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no-token"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "other-run"));
}

TEST_F(OperatorTest, AStoppedClientIsNotTakenForLost) {
  const auto server = StartServer();
  const auto clients = StartClients();
  ASSERT_TRUE(clients[0]->WaitForLine("round 1: training"));
  clients[0]->Signal(SIGTERM);
  const ProgramResult stopped = clients[0]->Wait();
  EXPECT_EQ(stopped.exit_code, 0);
  EXPECT_THAT(stopped.err, HasSubstr("interrupted (SIGTERM): leaving the run"));
  EXPECT_TRUE(server->WaitForLine("left: stopped"));
  server->Signal(SIGINT);
  const ProgramResult result = server->Wait();
  EXPECT_THAT(result.out, Not(HasSubstr("connection lost")));
  EXPECT_THAT(result.out, HasSubstr("run left off after"));
  // With the words that it was started with, all of them.
  std::string words;
  for (const std::string& word : ServerWords("127.0.0.1:0")) {
    words += (words.empty() ? "" : " ") + word;
  }
  EXPECT_THAT(result.out, HasSubstr("go on with it: " + words + "\n"));
}

// Code 3 is for what the server says; a supervisor does not try again.
TEST_F(OperatorTest, AClientThatMayNotWriteItsFilesIsNotSentAway) {
  std::vector<std::string> words = ClientWords(0);
  *(std::ranges::find(words, "--state-dir") + 1) = "/sys/fedgap-state";
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/sys/fedgap-state"));
}

TEST_F(OperatorTest, APortInUseIsNamedAndLeavesNoRunBehind) {
  const auto server = StartServer();
  std::vector<std::string> words = ServerWords("127.0.0.1:" + port_);
  words[6] = (dir_ / "other-run").string();
  const ProgramResult second = RunProgram(words);
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("127.0.0.1:" + port_));
  EXPECT_THAT(second.err, HasSubstr("in use"));
  EXPECT_THAT(second.err, Not(HasSubstr(".cc:"))) << "a line of gRPC";
  EXPECT_FALSE(std::filesystem::exists(dir_ / "other-run"));
}

TEST_F(OperatorTest, AnotherConfigurationIsNamedByTheLineThatDiffers) {
  StartServer();  // and stops it
  std::vector<std::string> words = ServerWords("127.0.0.1:0");
  words.push_back("--set");
  words.push_back("run.rounds=1");
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("stored 'rounds = 3', given 'rounds = 1'"));
}

TEST_F(OperatorTest, AWaitingServerSaysForWhom) {
  const auto server = StartServer();
  EXPECT_TRUE(server->WaitForLine("waiting for clients: 0 of 6 connected"));
  const auto client = StartClient(0);
  EXPECT_TRUE(server->WaitForLine("waiting for clients: 1 of 6 connected (a)"));
}

TEST_F(OperatorTest, ACheckLeavesNoTraceInTheRun) {
  const auto server = StartServer();
  std::vector<std::string> words = ClientWords(0);
  words.push_back("--check");
  const ProgramResult check = RunProgram(words);
  EXPECT_EQ(check.exit_code, 0) << check.out << check.err;
  EXPECT_THAT(check.out, HasSubstr("ready"));
  server->Signal(SIGTERM);
  server->Wait();
  EXPECT_TRUE(Events<ClientJoinedEvent>().empty());
}

TEST_F(OperatorTest, AClientWithoutServerGivesUpInTime) {
  std::vector<std::string> words = ClientWords(0);  // port 1
  words.push_back("--give-up-after=1");
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("no server for 1 s: no connection to "
                                    "localhost:1: connection refused"));
  EXPECT_THAT(result.err, Not(HasSubstr(".cc:"))) << "a line of gRPC";
}

// What `docker inspect` shows of a container that is unhealthy.
TEST_F(OperatorTest, AFailedHealthCheckSaysWhy) {
  const std::string bundle = (dir_ / "bundles/a").string();
  const auto health = [&bundle, this](const std::string& program,
                                      const std::string& address) {
    const ProgramResult result =
        RunProgram({kBin + program, "--health", "--certs", bundle, address,
                    "localhost:" + port_});
    EXPECT_EQ(result.exit_code, 1);
    return result.err;
  };
  EXPECT_THAT(health("fedgap-client", "--server"),  // port 1
              HasSubstr("localhost:1: connection refused"));
  EXPECT_THAT(health("fedgap-server", "--listen"),
              HasSubstr("localhost:1: connection refused"));
  const auto server = StartServer();
  const std::string other = (dir_ / "other").string();
  ASSERT_EQ(RunProgram({kBin + "fedgap", "certs", "init", other, "--federation",
                        "other"})
                .exit_code,
            0);
  ASSERT_EQ(
      RunProgram({kBin + "fedgap", "certs", "issue", other, "--name", "a"})
          .exit_code,
      0);
  const std::filesystem::path identity = dir_ / "bundles/a";
  std::filesystem::remove_all(identity);
  std::filesystem::copy(dir_ / "other/a", identity);
  EXPECT_THAT(health("fedgap-client", "--server"),
              HasSubstr("is not the one to trust"));
}

TEST_F(OperatorTest, AKilledClientIsWaitedForAndThenLeftOut) {
  WriteConfig(Config(/*rounds=*/1, /*min_clients=*/1) +
              "reconnect_seconds = 1\n");
  const auto server = StartServer();
  std::vector<std::string> slow = ClientWords(0);
  slow[8] = "1/1";
  slow[6] = "synthetic:5,20000";
  Process victim(slow);
  ASSERT_TRUE(server->WaitForLine("a joined"));
  ASSERT_TRUE(victim.WaitForLine("round 1: training"));
  victim.Signal(SIGKILL);
  EXPECT_TRUE(
      server->WaitForLine("round 1 waits for 1 s at most for a, whose "
                          "connection is lost"));
  EXPECT_TRUE(server->WaitForLine("round 1 goes on without a"));
  EXPECT_TRUE(server->WaitForLine("waiting for clients: 0 of 1 connected"));
  ExpectSuccess(*StartClient(1));
  ExpectSuccess(*server);
  EXPECT_EQ(Report()["rounds"], 1);
}

TEST_F(OperatorTest, ASecondProgramWithOneCertificateIsToldAndWaits) {
  const auto server = StartServer();
  const auto first = StartClient(0);
  ASSERT_TRUE(server->WaitForLine("a joined"));
  ASSERT_TRUE(first->WaitForLine("joined run"));
  std::vector<std::string> words = ClientWords(0);
  words[14] = (dir_ / "state-of-the-copy").string();
  Process second(words);
  EXPECT_TRUE(server->WaitForLine("two programs use the certificate of a"));
  EXPECT_TRUE(second.WaitForLine("two programs use the certificate of a"));
  first->Signal(SIGTERM);
  ExpectSuccess(*first);
  EXPECT_TRUE(second.WaitForLine("joined run"));
}

}  // namespace
}  // namespace fedgap
