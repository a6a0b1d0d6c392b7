// Runs the real `fedgap certs`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "common/crypto/tls_files.h"
#include "tests/testing/process.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
namespace fs = std::filesystem;

Clock::WallTime Now() { return SystemClock().WallNow(); }

unsigned ModeOf(const fs::path& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

class CertsCommandTest : public ::testing::Test {
 protected:
  static ProgramResult Fedgap(std::vector<std::string> words) {
    words.insert(words.begin(), FEDGAP_TOOL);
    return RunProgram(std::move(words));
  }
  static ProgramResult Certs(std::vector<std::string> words) {
    words.insert(words.begin(), "certs");
    return Fedgap(std::move(words));
  }
  ProgramResult Init() {
    return Certs({"init", ca_.string(), "--federation", "demo"});
  }

  TempDir dir_;
  fs::path ca_ = dir_ / "ca";
};

TEST_F(CertsCommandTest, MakesAnAuthorityAndBundlesThatWork) {
  ProgramResult result =
      Certs({"init", ca_.string(), "--federation", "demo", "--server", "hub",
             "--dns", "hub.example.org", "--ip", "10.0.0.7"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  result = Certs({"issue", ca_.string(), "--name", "site-1", "--name", "site-2",
                  "--algorithm", "ed25519"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("site-1"), HasSubstr("site-2")));
  ASSERT_OK_AND_ASSIGN(
      const TlsMaterial server,
      LoadTlsFiles(TlsFilesIn(ca_ / "hub"), TlsEnd::kServer, Now()));
  EXPECT_EQ(server.identity, (Identity{"demo", Role::kServer, "hub"}));
  const AlternativeNames names = server.certificate.GetAlternativeNames();
  EXPECT_THAT(names.dns, ElementsAre("hub.example.org"));
  EXPECT_THAT(names.ip, ElementsAre("10.0.0.7"));
  ASSERT_OK_AND_ASSIGN(
      const TlsMaterial client,
      LoadTlsFiles(TlsFilesIn(ca_ / "site-2"), TlsEnd::kClient, Now()));
  EXPECT_EQ(client.identity, (Identity{"demo", Role::kClient, "site-2"}));
  EXPECT_EQ(client.certificate.KeyAlgorithmText(), "Ed25519");
}

TEST_F(CertsCommandTest, AWrongArgumentLeavesNoHalfMadeAuthority) {
  const ProgramResult wrong =
      Certs({"init", ca_.string(), "--federation", "demo", "--server", "hub",
             "--ip", "localhost"});
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("localhost"));
  EXPECT_FALSE(fs::exists(ca_));
  EXPECT_EQ(Certs({"init", ca_.string(), "--federation", "demo", "--server",
                   "hub", "--ip", "127.0.0.1"})
                .exit_code,
            0);
}

TEST_F(CertsCommandTest, HidesEveryKey) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "a"}).exit_code, 0);
  EXPECT_EQ(ModeOf(ca_ / "ca.key"), 0600u);
  EXPECT_EQ(ModeOf(ca_ / "a" / "identity.pem"), 0600u);
  EXPECT_EQ(ModeOf(ca_ / "a" / "ca.pem"), 0644u);
}

TEST_F(CertsCommandTest, GivesAServerWithoutAddressesTheLoopback) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--role", "server", "--name", "s"})
                .exit_code,
            0);
  const TlsMaterial server =
      *LoadTlsFiles(TlsFilesIn(ca_ / "s"), TlsEnd::kServer, Now());
  const AlternativeNames names = server.certificate.GetAlternativeNames();
  EXPECT_THAT(names.dns, ElementsAre("localhost"));
  EXPECT_THAT(names.ip, ElementsAre("127.0.0.1", "::1"));
}

TEST_F(CertsCommandTest, IgnoresNoAddress) {
  const ProgramResult result = Certs(
      {"init", ca_.string(), "--federation", "demo", "--dns", "example.org"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("--dns requires --server"));
  EXPECT_FALSE(fs::exists(ca_));
}

TEST_F(CertsCommandTest, NeverReplacesAnAuthority) {
  ASSERT_EQ(Init().exit_code, 0);
  const std::string before = *ReadFileText(ca_ / "ca.key");
  const ProgramResult result = Init();
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("exists"));
  EXPECT_EQ(*ReadFileText(ca_ / "ca.key"), before);
}

TEST_F(CertsCommandTest, ReplacesABundleOnlyWhenAsked) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "a"}).exit_code, 0);
  const std::string before = *ReadFileText(ca_ / "a" / "identity.pem");
  const ProgramResult result =
      Certs({"issue", ca_.string(), "--name", "b", "--name", "a"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr("--replace"));
  EXPECT_FALSE(fs::exists(ca_ / "b"));  // all or nothing
  EXPECT_EQ(*ReadFileText(ca_ / "a" / "identity.pem"), before);
  ASSERT_EQ(
      Certs({"issue", ca_.string(), "--name", "a", "--replace"}).exit_code, 0);
  EXPECT_NE(*ReadFileText(ca_ / "a" / "identity.pem"), before);
}

TEST_F(CertsCommandTest, PutsBundlesWhereAsked) {
  ASSERT_EQ(Init().exit_code, 0);
  const fs::path out = dir_ / "to/send";
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "a", "--out", out.string()})
                .exit_code,
            0);
  EXPECT_OK(LoadTlsFiles(TlsFilesIn(out / "a"), TlsEnd::kClient, Now()));
}

TEST_F(CertsCommandTest, SaysWhatIsWrongWithARequest) {
  ASSERT_EQ(Init().exit_code, 0);
  const auto error = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"issue", ca_.string()});
    const ProgramResult result = Certs(std::move(words));
    EXPECT_EQ(result.exit_code, 1);
    return result.err;
  };
  EXPECT_THAT(error({"--name", "../evil"}), HasSubstr("'/'"));
  EXPECT_THAT(error({"--name", "a", "--role", "cliant"}),
              HasSubstr("did you mean 'client'"));
  EXPECT_THAT(error({"--name", "a", "--days", "0"}), HasSubstr("0 days"));
  EXPECT_THAT(error({"--name", "a", "--days", "9999"}), HasSubstr("outlive"));
  EXPECT_THAT(error({"--name", "a", "--algorithm", "rsa"}),
              HasSubstr("choose p256 or ed25519"));
  EXPECT_THAT(error({"--name", "a", "--role", "server", "--dns", "a b"}),
              HasSubstr("no DNS name"));
}

TEST_F(CertsCommandTest, SaysThatThereIsNoAuthority) {
  const ProgramResult result =
      Certs({"issue", dir_.path().string(), "--name", "a"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("fedgap certs init"), HasSubstr("ca.key")));
}

TEST_F(CertsCommandTest, ShowsABundleAndItsAuthority) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "a"}).exit_code, 0);
  const ProgramResult result =
      Certs({"show", (ca_ / "a").string(), (ca_ / "ca.pem").string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(
      result.out,
      AllOf(HasSubstr("spiffe://fedgap/demo/client/a"),
            HasSubstr("364 days left"), HasSubstr("fedgap demo CA"),
            HasSubstr("P-256"), HasSubstr("sha256:"), HasSubstr("all passed"),
            HasSubstr("authority"), Not(HasSubstr("warning"))));
  EXPECT_THAT(result.out, Not(HasSubstr("PRIVATE KEY")));
}

TEST_F(CertsCommandTest, ShowFailsForAnExpiredBundleAndStillPrintsIt) {
  TestAuthority authority(Now() - std::chrono::days(10));
  const TlsFiles files =
      authority.Issue({.name = "a", .validity = std::chrono::days(1)});
  const ProgramResult result =
      Certs({"show", files.identity.parent_path().string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out, HasSubstr("(expired)"));
  EXPECT_THAT(result.err, HasSubstr("expired on"));
}

TEST_F(CertsCommandTest, ShowWarnsOfAKeyThatOthersCanRead) {
  TestAuthority authority;
  const TlsFiles files = authority.Client("a");
  ASSERT_EQ(::chmod(files.identity.c_str(), 0644), 0);
  const ProgramResult result = Certs({"show", files.identity.string()});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, HasSubstr("chmod 600"));
}

TEST_F(CertsCommandTest, ShowNamesAFileWithoutACertificate) {
  ASSERT_OK(WriteFileAtomic(dir_ / "x", "no PEM"));
  const ProgramResult result = Certs({"show", (dir_ / "x").string()});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.err, HasSubstr((dir_ / "x").string()));
}

TEST_F(CertsCommandTest, ExitsWithTwoForWrongUsage) {
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{}, {"certs"}, {"certs", "init"}}) {
    const ProgramResult result = Fedgap(words);
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_THAT(result.err, HasSubstr("--help"));
    EXPECT_EQ(result.out, "");
  }
}

TEST_F(CertsCommandTest, SuggestsTheNearestWord) {
  EXPECT_THAT(Fedgap({"crets"}).err, HasSubstr("did you mean 'certs'"));
  EXPECT_THAT(Certs({"isue"}).err, HasSubstr("did you mean 'issue'"));
  const ProgramResult result =
      Certs({"issue", "x", "--name", "a", "--day", "3"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, AllOf(HasSubstr("did you mean '--days'"),
                                HasSubstr("fedgap certs issue --help")));
}

TEST_F(CertsCommandTest, HelpsOnRequest) {
  const ProgramResult result = Fedgap({"certs", "issue", "--help"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("--name"), HasSubstr("--days")));
  EXPECT_EQ(Fedgap({"--version"}).exit_code, 0);
}

}  // namespace
}  // namespace fedgap
