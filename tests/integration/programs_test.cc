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
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("server.toml:2"));
  EXPECT_THAT(result.err, HasSubstr("did you mean 'rounds'"));
  EXPECT_THAT(result.err, HasSubstr("server.toml:4"));
}

TEST_F(ProgramsTest, AServerWithoutCertificateSaysWhatToDo) {
  const ProgramResult result =
      RunProgram({kBin + "fedgap-server", "--listen", "127.0.0.1:0",
                  "--run-dir", (dir_ / "run").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("fedgap certs init"));
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
