// A simulation that several processes share, under mpirun.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"
#include "tests/testing/rank_network.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class MpiTest : public FederationPrograms {
 protected:
  void WriteSimulation(int rounds) {
    WriteConfig(Config(rounds, /*min_clients=*/6) + SimulatedSites());
  }
  std::vector<std::string> Words(int ranks, int threads,
                                 const std::string& run_dir) const {
    return {kBin + "fedgap", "simulate",
            "--config",      (dir_ / "server.toml").string(),
            "--ranks",       std::to_string(ranks),
            "--threads",     std::to_string(threads),
            "--run-dir",     run_dir};
  }
  std::vector<std::string> ResumeWords(int ranks) const {
    return {kBin + "fedgap", "simulate", "--resume",
            run(),           "--ranks",  std::to_string(ranks)};
  }
  std::string ModelOf(const std::string& run_dir) const {
    const auto text =
        ReadFileText(std::filesystem::path(run_dir) / "report.json");
    EXPECT_OK(text);
    return nlohmann::json::parse(*text)["model_sha256"];
  }
};

// The value is the one of the programs over gRPC.
TEST_F(MpiTest, AnyNumberOfRanksGivesTheAnswerOfTheRealFederation) {
  WriteSimulation(3);
  for (const auto& [ranks, threads] : {std::pair(2, 2), {3, 1}}) {
    const std::string other = (dir_ / fmt::format("run-{}", ranks)).string();
    const ProgramResult result = RunProgram(Words(ranks, threads, other));
    ASSERT_EQ(result.exit_code, 0) << result.err;
    EXPECT_THAT(result.out, HasSubstr("round 3/3"));
    EXPECT_THAT(result.out, HasSubstr(fmt::format("ranks: {}; ", ranks)));
  }
  ASSERT_EQ(RunProgram(Words(1, 1, run())).exit_code, 0);
  ExpectTheUndisturbedAnswer();
  EXPECT_EQ(ModelOf((dir_ / "run-2").string()), ModelOf(run()));
  EXPECT_EQ(ModelOf((dir_ / "run-3").string()), ModelOf(run()));
}

// Pieces of 128 sums: every transfer takes many of them.
TEST_F(MpiTest, SmallPiecesGiveTheSameAnswer) {
  WriteSimulation(3);
  std::vector<std::string> words = Words(2, 1, run());
  words.insert(words.end(), {"--piece-kib", "1"});
  const ProgramResult result = RunProgram(words);
  ASSERT_EQ(result.exit_code, 0) << result.err;
  ExpectTheUndisturbedAnswer();
}

TEST_F(MpiTest, APieceSizeIsForSeveralRanksOnly) {
  const ProgramResult result =
      RunProgram({kBin + "fedgap", "simulate", "--config",
                  (dir_ / "server.toml").string(), "--piece-kib", "64"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--piece-kib requires --ranks"));
}

TEST_F(MpiTest, AnErrorOfTheConfigurationIsSaidOnceAndEndsAllRanks) {
  WriteConfig("[run]\nruonds = 3\n");
  const ProgramResult result = RunProgram(Words(2, 1, run()));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("did you mean 'rounds'"));
  EXPECT_THAT(result.err, Not(HasSubstr("a rank failed")));
}

// kill -9 of one rank ends all; the run goes on from its last commit, with
// another number of ranks, to the model of an undisturbed run.
TEST_F(MpiTest, ALostRankLeavesARunThatGoesOnToTheSameModel) {
  WriteSimulation(60);
  Process simulation(Words(3, 1, run()));
  ASSERT_TRUE(simulation.WaitForLine("round  2/60"));
  const ProgramResult ranks = RunProgram({"/usr/bin/pgrep", "-f", "-n", run()});
  ASSERT_EQ(ranks.exit_code, 0);
  ASSERT_EQ(::kill(std::stoi(ranks.out), SIGKILL), 0);
  const ProgramResult lost = simulation.Wait();
  EXPECT_EQ(lost.exit_code, 1);
  EXPECT_THAT(lost.err, HasSubstr("a rank failed or was lost"));
  EXPECT_THAT(lost.err, HasSubstr("--resume"));
  const ProgramResult inspected =
      RunProgram({kBin + "fedgap", "inspect", run()});
  EXPECT_THAT(inspected.out, HasSubstr("not finished"));

  const ProgramResult resumed = RunProgram(ResumeWords(2));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  const std::string whole = (dir_ / "whole").string();
  std::vector<std::string> words = Words(1, 1, whole);
  ASSERT_EQ(RunProgram(words).exit_code, 0);
  EXPECT_EQ(ModelOf(run()), ModelOf(whole));
}

TEST_F(MpiTest, CtrlCGivesTheRoundUpAndTheRunGoesOn) {
  WriteSimulation(60);
  Process simulation(Words(2, 1, run()));
  ASSERT_TRUE(simulation.WaitForLine("round  2/60"));
  simulation.Signal(SIGINT);
  const ProgramResult stopped = simulation.Wait();
  EXPECT_EQ(stopped.exit_code, 0) << stopped.err;
  EXPECT_EQ(ModelOf(run()).size(), 64U);
  EXPECT_THAT(RunProgram({kBin + "fedgap", "inspect", run()}).out,
              HasSubstr("not finished"));
  EXPECT_EQ(RunProgram(ResumeWords(2)).exit_code, 0);
}

// Each rank in a network of its own, as on machines of a cluster.
class MpiNetworkTest : public MpiTest {
 protected:
  void SetUp() override {
    const std::string why_not = RankNetwork::WhyNot();
    if (!why_not.empty()) GTEST_SKIP() << why_not;
    MpiTest::SetUp();
  }
  // Of `fedgap simulate` on the first machine.
  static std::vector<std::string> On(const RankNetwork& network,
                                     const std::vector<std::string>& words) {
    std::vector<std::string> there = network.Enter(0);
    there.insert(there.end(), words.begin(), words.end());
    there.insert(there.end(), {"--mpirun-args", network.MpirunArgs()});
    return there;
  }
};

TEST_F(MpiNetworkTest, RanksThatSpeakTcpGiveTheAnswerOfTheRealFederation) {
  WriteSimulation(3);
  const RankNetwork network(3, dir_.path());
  const ProgramResult result = RunProgram(On(network, Words(3, 1, run())));
  ASSERT_EQ(result.exit_code, 0) << result.out << result.err;
  ExpectTheUndisturbedAnswer();
  // The model came to each of the others in every round, and sums to the root.
  const std::int64_t model = 3 * 4 * Report()["parameters"].get<int>();
  EXPECT_GT(network.ReceivedBytes(1), model);
  EXPECT_GT(network.ReceivedBytes(2), model);
  EXPECT_GT(network.ReceivedBytes(0), 2 * model);
}

// All of a machine's processes are gone, MPI's own among them.
TEST_F(MpiNetworkTest, ALostMachineLeavesARunThatGoesOnToTheSameModel) {
  WriteSimulation(30);
  const RankNetwork network(3, dir_.path());
  {
    Process simulation(On(network, Words(3, 1, run())));
    ASSERT_TRUE(simulation.WaitForLine("round  2/30"));
    for (const pid_t pid : network.Processes(2)) ::kill(pid, SIGKILL);
    const ProgramResult lost = simulation.Wait();
    EXPECT_EQ(lost.exit_code, 1);
    EXPECT_THAT(lost.err, HasSubstr("a rank failed or was lost"));
  }
  const ProgramResult resumed = RunProgram(On(network, ResumeWords(3)));
  ASSERT_EQ(resumed.exit_code, 0) << resumed.err;
  const std::string whole = (dir_ / "whole").string();
  ASSERT_EQ(RunProgram(Words(1, 1, whole)).exit_code, 0);
  EXPECT_EQ(ModelOf(run()), ModelOf(whole));
}

}  // namespace
}  // namespace fedgap
