// Runs the real `fedgap certs invite|serve|enrol`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/base/file_io.h"
#include "tests/testing/process.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

class CertsEnrolmentTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(Certs({"init", ca_, "--federation", "demo", "--server", "hub"})
                  .exit_code,
              0);
    server_ = std::make_unique<Process>(std::vector<std::string>{
        FEDGAP_TOOL, "certs", "serve", ca_, "--listen", "127.0.0.1:0",
        "--port-file", (dir_ / "port").string()});
    ASSERT_TRUE(server_->WaitForLine("Ctrl-C ends it."));
    port_ = ReadFileText(dir_ / "port").value();
    port_.pop_back();
  }
  static ProgramResult Certs(std::vector<std::string> words) {
    words.insert(words.begin(), {FEDGAP_TOOL, "certs"});
    return RunProgram(std::move(words));
  }
  ProgramResult EnrolInto(const std::string& bundle) const {
    return Certs({"enrol", (dir_ / bundle).string(), "--server",
                  "localhost:" + port_, "--token-file", token_});
  }

  TempDir dir_;
  const std::string ca_ = (dir_ / "ca").string();
  const std::string token_ = (dir_ / "token").string();
  std::string port_;
  std::unique_ptr<Process> server_;
};

TEST_F(CertsEnrolmentTest, SitesOfOneTokenGetNumbersAndCanBeRevoked) {
  const ProgramResult invited = Certs(
      {"invite", ca_, "--prefix", "camera-", "--uses", "2", "--out", token_});
  ASSERT_EQ(invited.exit_code, 0) << invited.err;
  EXPECT_THAT(EnrolInto("a").out,
              HasSubstr("is the bundle of client camera-1 of federation demo"));
  EXPECT_THAT(EnrolInto("b").out, HasSubstr("client camera-2"));
  const ProgramResult third = EnrolInto("c");
  EXPECT_EQ(third.exit_code, 1);
  EXPECT_THAT(third.err, HasSubstr("the token is used up"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "c"));
  // A container that starts anew keeps what it has.
  EXPECT_THAT(EnrolInto("a").out, HasSubstr("camera-1 already"));

  const ProgramResult shown = Certs({"show", (dir_ / "a").string()});
  EXPECT_EQ(shown.exit_code, 0) << shown.err;
  EXPECT_EQ(Certs({"revoke", ca_, "camera-2"}).exit_code, 0);
  EXPECT_THAT(Certs({"list", ca_}).out,
              AllOf(HasSubstr("camera-1"), HasSubstr("revoked on")));
  server_->Signal(SIGTERM);
  EXPECT_EQ(server_->Wait().exit_code, 0);
}

TEST_F(CertsEnrolmentTest, InvitationsAreListedAndWithdrawn) {
  ASSERT_EQ(
      Certs({"invite", ca_, "--name", "site-7", "--out", token_}).exit_code, 0);
  ASSERT_EQ(Certs({"invite", ca_, "--prefix", "camera-", "--uses", "3", "--out",
                   (dir_ / "other").string()})
                .exit_code,
            0);
  EXPECT_THAT(Certs({"list", ca_}).out,
              AllOf(ContainsRegex("camera-1, 2, ... +client +3 +20"),
                    ContainsRegex("site-7 +client +1 +20")));
  EXPECT_THAT(Certs({"revoke", ca_, "--invitation", "site-8"}).err,
              HasSubstr("did you mean 'site-7'?"));
  const ProgramResult withdrawn =
      Certs({"revoke", ca_, "--invitation", "site-7"});
  EXPECT_EQ(withdrawn.exit_code, 0) << withdrawn.err;
  EXPECT_THAT(Certs({"list", ca_}).out, Not(HasSubstr("site-7")));
  EXPECT_THAT(EnrolInto("a").err, HasSubstr("no invitation has this token"));
}

TEST_F(CertsEnrolmentTest, ASecondCertificateOfANameIsWarnedOf) {
  const auto invite = [this] {
    return Certs({"invite", ca_, "--name", "a", "--out", token_}).err;
  };
  EXPECT_EQ(invite(), "");
  ASSERT_EQ(EnrolInto("a").exit_code, 0);
  EXPECT_THAT(invite(), HasSubstr("client a has a certificate until"));
  ASSERT_EQ(Certs({"revoke", ca_, "a"}).exit_code, 0);
  EXPECT_EQ(invite(), "");
}

TEST_F(CertsEnrolmentTest, AnInvitationIsForSomebody) {
  EXPECT_THAT(Certs({"invite", ca_}).err, HasSubstr("whom to invite?"));
  const ProgramResult printed = Certs({"invite", ca_, "--name", "site-7"});
  EXPECT_EQ(printed.exit_code, 0) << printed.err;
  // `> token` makes the file.
  EXPECT_THAT(printed.out, MatchesRegex("fg1[.][^ \n]+\n"));
  EXPECT_THAT(printed.err, HasSubstr("good for 1 certificate until"));
  const ProgramResult pieces =
      Certs({"enrol", (dir_ / "x").string(), "--server", "localhost:" + port_,
             "--token", "fg1.0011"});
  EXPECT_EQ(pieces.exit_code, 1);
  EXPECT_THAT(pieces.err, HasSubstr("no whole token"));
}

TEST_F(CertsEnrolmentTest, AFailedEnrolmentSaysWhyAtOnceAndLeavesNothing) {
  ASSERT_EQ(Certs({"invite", ca_, "--name", "a", "--out", token_}).exit_code,
            0);
  const auto enrol_at = [this](const std::string& server) {
    return Certs({"enrol", (dir_ / "new/a").string(), "--server", server,
                  "--token-file", token_})
        .err;
  };
  EXPECT_THAT(enrol_at("localhost:1"), HasSubstr("connection refused"));
  EXPECT_THAT(enrol_at("no-such-host.invalid:7444"),
              HasSubstr("no enrolment server at no-such-host.invalid:7444"));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "new"));
  // What was there before stays.
  ASSERT_OK(WriteFileAtomic(dir_ / "note", "of the site"));
  EXPECT_EQ(Certs({"enrol", dir_.path().string(), "--server", "localhost:1",
                   "--token-file", token_})
                .exit_code,
            1);
  EXPECT_TRUE(std::filesystem::exists(dir_ / "note"));
}

// 7443 for 7444. It ended by SIGPIPE, without a word.
TEST_F(CertsEnrolmentTest, TheTrainingPortIsNamed) {
  ASSERT_EQ(Certs({"invite", ca_, "--name", "a", "--out", token_}).exit_code,
            0);
  ASSERT_OK(
      WriteFileAtomic(dir_ / "run.toml", "[model]\nname = 'gap-cnn-s'\n"));
  Process training({(BinaryDir() / "bin/fedgap-server").string(), "--config",
                    (dir_ / "run.toml").string(), "--certs", ca_ + "/hub",
                    "--run-dir", (dir_ / "run").string(), "--listen",
                    "127.0.0.1:0", "--port-file",
                    (dir_ / "training-port").string()});
  ASSERT_TRUE(training.WaitForFile(dir_ / "training-port"));
  std::string port = ReadFileText(dir_ / "training-port").value();
  port.pop_back();
  const ProgramResult result =
      Certs({"enrol", (dir_ / "a").string(), "--server", "localhost:" + port,
             "--token-file", token_});
  EXPECT_EQ(result.exit_code, 1) << "signal " << result.signal;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("the training port"), HasSubstr("usually 7444")));
}

}  // namespace
}  // namespace fedgap
