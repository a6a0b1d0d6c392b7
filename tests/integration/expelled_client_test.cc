// Clients that are sent away while their programs run: a certificate is
// revoked, an operator kicks. The others go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/federation_programs.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

class ExpelledClientTest : public FederationPrograms {
 protected:
  // The first round waits for the one who goes.
  void SetUp() override {
    FederationPrograms::SetUp();
    WriteConfig(Config(/*rounds=*/4, /*min_clients=*/2));
    server_ = StartServer();
    goes_ = StartClient(1);
    ASSERT_TRUE(goes_->WaitForLine("joined run"));
    goes_->Signal(SIGSTOP);
    stays_ = StartClient(0);
    ASSERT_TRUE(stays_->WaitForLine("the update was accepted"));
  }
  // The one is gone with `why`; another takes its place, and the run ends.
  void ExpectTheRunGoesOn(const std::string& why) {
    const auto third = StartClient(2);
    ExpectSuccess(*third);
    ExpectSuccess(*stays_);
    ExpectSuccess(*server_);
    EXPECT_THAT(
        Events<ClientLeftEvent>(),
        Contains(AllOf(Field(&ClientLeftEvent::client, ClientName{"b"}),
                       Field(&ClientLeftEvent::reason, HasSubstr(why)))));
    EXPECT_THAT(Events<RoundCommittedEvent>().back().contributors,
                ElementsAre(ClientName{"a"}, ClientName{"c"}));
    EXPECT_EQ(Report()["reason"], "completed");
  }
  ProgramResult Certs(std::vector<std::string> words) const {
    words.insert(words.begin(), {kBin + "fedgap", "certs"});
    return RunProgram(words);
  }

  std::unique_ptr<Process> server_;
  std::unique_ptr<Process> stays_;
  std::unique_ptr<Process> goes_;
};

TEST_F(ExpelledClientTest, ARevokedCertificateEndsItsClientAndKeepsItOut) {
  const ProgramResult revoked = Certs({"revoke", (dir_ / "ca").string(), "b"});
  ASSERT_EQ(revoked.exit_code, 0) << revoked.err;
  EXPECT_THAT(revoked.out, HasSubstr((dir_ / "ca/server/crl.pem").string()));
  ASSERT_TRUE(server_->WaitForLine("b left: expelled: the certificate of b"));
  goes_->Signal(SIGCONT);
  const ProgramResult client = goes_->Wait();
  EXPECT_EQ(client.exit_code, 3);
  EXPECT_THAT(client.err, AllOf(HasSubstr("was revoked on"),
                                HasSubstr("ask the federation's operator")));
  const ProgramResult again = RunProgram(ClientWords(1));
  EXPECT_EQ(again.exit_code, 3);
  EXPECT_THAT(again.err, HasSubstr("was revoked on"));
  ExpectTheRunGoesOn("was revoked on");
  EXPECT_THAT(Events<WarningEvent>(),
              Contains(Field(&WarningEvent::message,
                             AllOf(HasSubstr("refused a call from"),
                                   HasSubstr("the certificate of b")))));
}

TEST_F(ExpelledClientTest, AKickedClientEndsAndMayComeBack) {
  ASSERT_EQ(Certs({"issue", (dir_ / "ca").string(), "--out",
                   (dir_ / "bundles").string(), "--name=ops", "--role=admin"})
                .exit_code,
            0);
  const auto kick = [this](const std::string& client) {
    return RunProgram({kBin + "fedgap", "admin", "kick", client, "--reason",
                       "wrong labels", "--server", "localhost:" + port_,
                       "--certs", (dir_ / "bundles/ops").string()});
  };
  const ProgramResult unknown = kick("nobody");
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("nobody has not joined"));
  const ProgramResult kicked = kick("b");
  EXPECT_EQ(kicked.exit_code, 0) << kicked.err;
  goes_->Signal(SIGCONT);
  const ProgramResult client = goes_->Wait();
  EXPECT_EQ(client.exit_code, 3);
  EXPECT_THAT(client.err, HasSubstr("sent away by operator ops: wrong labels"));
  ExpectTheRunGoesOn("sent away by operator ops: wrong labels");
}

}  // namespace
}  // namespace fedgap
