// The programs that users run, as processes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

class ProgramsTest : public FederationPrograms {};

TEST_F(ProgramsTest, TheAnswerOverGrpcIsTheOneInProcess) {
  const auto server = StartServer();
  for (const auto& client : StartClients()) ExpectSuccess(*client);
  const ProgramResult result = server->Wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("round 3/3"));
  ExpectTheUndisturbedAnswer();
}

// Clients of every kind of CPU that this one can be.
TEST_F(ProgramsTest, MixedPrecisionIsOneAnswerOnCpusOfAllKinds) {
  std::vector<std::string> isas;
  for (const kernels::Isa isa : kernels::SupportedIsas()) {
    if (kernels::HasPortableBits(isa)) isas.emplace_back(ToString(isa));
  }
  if (isas.empty()) GTEST_SKIP() << "this CPU has no fused multiply-add";
  std::string config = Config(/*rounds=*/3, /*min_clients=*/6);
  const std::string section = "[training]\n";
  config.insert(config.find(section) + section.size(),
                "precision = \"bfloat16\"\n");
  WriteConfig(config);
  const auto server = StartServer();
  std::vector<std::unique_ptr<Process>> clients;
  for (std::size_t site = 0; site < kSites.size(); ++site) {
    std::vector<std::string> words = ClientWords(site);
    words.push_back("--isa=" + isas[site % isas.size()]);
    clients.push_back(std::make_unique<Process>(words));
  }
  for (const auto& client : clients) ExpectSuccess(*client);
  const ProgramResult result = server->Wait();
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(Report()["determinism"], "reproducible");
  EXPECT_EQ(Report()["model_sha256"],
            "ea32e2afd093db5a61bec0cde290e697c83e9fa3c2081435bfc70d450ad7bda7");
}

// The server's own file, with the clients written down beside it.
TEST_F(ProgramsTest, TheSimulatorsAnswerIsTheSame) {
  WriteConfig(Config(/*rounds=*/3, /*min_clients=*/6) + SimulatedSites());
  const ProgramResult result = RunProgram(
      {kBin + "fedgap", "simulate", "--config", (dir_ / "server.toml").string(),
       "--threads", "2", "--run-dir", run()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("round 3/3"));
  EXPECT_EQ(Report()["clients"], 6);
  ExpectTheUndisturbedAnswer();
  // A finished run that is gone on with stays as it is.
  const ProgramResult again =
      RunProgram({kBin + "fedgap", "simulate", "--resume", run(), "--quiet"});
  EXPECT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("model_sha256 "));
  ExpectTheUndisturbedAnswer();
}

TEST_F(ProgramsTest, TheQuickExampleRuns) {
  const ProgramResult result = RunProgram(
      {kBin + "fedgap", "simulate", "--config",
       (SourceDir() / "examples/simulate/quick.toml").string(), "--set",
       "run.rounds=1", "--threads", "2", "--run-dir", run()});
  if (result.err.find("apt install dataset-fashion-mnist") != std::string::npos)
    GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("round 1/1"));
  EXPECT_EQ(Report()["clients"], 100);
  EXPECT_EQ(Report()["rounds"], 1);
}

TEST_F(ProgramsTest, AMissingCertificateIsSaidBeforeConnecting) {
  std::vector<std::string> words = ClientWords(0);
  words[4] = (dir_ / "nowhere").string();
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("nowhere"));
}

TEST_F(ProgramsTest, MistakesInAConfigurationAreNamedWithTheirPlace) {
  ASSERT_OK(WriteFileAtomic(dir_ / "server.toml",
                            "[run]\nruonds = 3\n[cohort]\nfraction = 1.5\n"));
  const ProgramResult result = RunProgram(ServerWords("127.0.0.1:0"));
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("server.toml:2"));
  EXPECT_THAT(result.err, HasSubstr("did you mean 'rounds'"));
  EXPECT_THAT(result.err, HasSubstr("server.toml:4"));
}

TEST_F(ProgramsTest, MisspeltFlagsAreAnsweredWithTheNearest) {
  std::vector<std::string> words = ClientWords(0);
  words.push_back("--thread=2");
  const ProgramResult client = RunProgram(words);
  EXPECT_EQ(client.exit_code, 2);
  EXPECT_THAT(client.err, HasSubstr("did you mean '--threads'"));
  const ProgramResult server =
      RunProgram({kBin + "fedgap-server", "--rundir", run()});
  EXPECT_EQ(server.exit_code, 2);
  EXPECT_THAT(server.err, HasSubstr("did you mean '--run-dir'"));
}

TEST_F(ProgramsTest, ARunDirectoryInUseIsNamed) {
  const auto server = StartServer();
  const ProgramResult second = RunProgram(ServerWords("127.0.0.1:0"));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.err, HasSubstr("is in use by process"));
}

// The client fits no model: it says why and ends, the others go on.
TEST_F(ProgramsTest, DataThatDoesNotFitTheModelEndsItsClientAlone) {
  WriteConfig(Config(/*rounds=*/1, /*min_clients=*/1));
  const auto server = StartServer();
  std::vector<std::string> words = ClientWords(0);
  words[10] = "1x1";
  const ProgramResult small = RunProgram(words);
  EXPECT_EQ(small.exit_code, 1);
  EXPECT_THAT(small.err, HasSubstr("1x1"));
  ExpectSuccess(*StartClient(1));
  ExpectSuccess(*server);
}

TEST_F(ProgramsTest, DataThatIsNotThereIsNamed) {
  std::vector<std::string> words = ClientWords(0);
  words[6] = "folder:/no/such/folder";
  const ProgramResult result = RunProgram(words);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("/no/such/folder"));
}

}  // namespace
}  // namespace fedgap
