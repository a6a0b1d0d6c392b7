// Runs the real `fedgap certs`.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "common/crypto/certificate.h"
#include "common/crypto/revocation_list.h"
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
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("spiffe://fedgap/demo/client/a"),
                    HasSubstr("364 days left"), HasSubstr("fedgap demo CA"),
                    HasSubstr("P-256"), HasSubstr("sha256:"),
                    HasSubstr("all but revocation passed"),
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

TEST_F(CertsCommandTest, ShowSaysWhyOfEachThatWouldNotBeAccepted) {
  TestAuthority old(Now() - std::chrono::days(10));
  TestAuthority future(Now() + std::chrono::days(10));
  const auto of_a_day = [](TestAuthority& authority) {
    return authority.Issue({.name = "a", .validity = std::chrono::days(1)})
        .identity.parent_path()
        .string();
  };
  const ProgramResult result = Certs({"show", of_a_day(old), of_a_day(future)});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("(expired)"), HasSubstr("(not valid yet)")));
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("expired on"), HasSubstr("not valid before")));
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

// --- Revocation -------------------------------------------------------------

std::string SerialIn(const fs::path& bundle) {
  return Certificate::FromPem(ReadFileText(bundle / "identity.pem").value())
      ->SerialNumber();
}

TEST_F(CertsCommandTest, ListsEverythingThatWasIssued) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "b", "--name", "a", "--out",
                   (dir_ / "elsewhere").string()})
                .exit_code,
            0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--role", "admin", "--name", "ops"})
                .exit_code,
            0);
  const ProgramResult result = Certs({"list", ca_.string()});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(HasSubstr("federation demo, 3 certificates, 0 revoked"),
                    HasSubstr(SerialIn(dir_ / "elsewhere/a")),
                    HasSubstr("admin"), HasSubstr("valid, 364 days left")));
  EXPECT_LT(result.out.find("\na "), result.out.find("\nb "));
}

// A release without a record made them.
TEST_F(CertsCommandTest, BundlesInTheDirectoryNeedNoRecord) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "a"}).exit_code, 0);
  fs::remove_all(ca_ / "issued");
  EXPECT_THAT(Certs({"list", ca_.string()}).out,
              HasSubstr(SerialIn(ca_ / "a")));
  EXPECT_EQ(Certs({"revoke", ca_.string(), "a"}).exit_code, 0);
}

TEST_F(CertsCommandTest, RevokesEveryCertificateOfAName) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(
      Certs({"issue", ca_.string(), "--name", "a", "--name", "b"}).exit_code,
      0);
  const std::string first = SerialIn(ca_ / "a");
  ASSERT_EQ(
      Certs({"issue", ca_.string(), "--name", "a", "--replace"}).exit_code, 0);
  const std::string second = SerialIn(ca_ / "a");
  const ProgramResult result = Certs({"revoke", ca_.string(), "a"});
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr(first), HasSubstr(second)));
  const auto lists =
      ParseRevocationLists(ReadFileText(ca_ / "crl.pem").value()).value();
  EXPECT_EQ(lists.at(0).Revocations().size(), 2u);
  EXPECT_EQ(lists.at(0).RevokedAt(SerialIn(ca_ / "b")), std::nullopt);
  EXPECT_THAT(Certs({"list", ca_.string()}).out,
              AllOf(HasSubstr("3 certificates, 2 revoked"),
                    HasSubstr("revoked on 20")));
}

// OpenSSL's own tool is the second opinion.
TEST_F(CertsCommandTest, OpenSslObeysTheList) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(
      Certs({"issue", ca_.string(), "--name", "a", "--name", "b"}).exit_code,
      0);
  ASSERT_EQ(Certs({"revoke", ca_.string(), "a"}).exit_code, 0);
  const auto verify = [this](const char* name) {
    return RunProgram({"/usr/bin/openssl", "verify", "-crl_check", "-CAfile",
                       (ca_ / "ca.pem").string(), "-CRLfile",
                       (ca_ / "crl.pem").string(),
                       (ca_ / name / "identity.pem").string()});
  };
  EXPECT_EQ(verify("b").exit_code, 0) << verify("b").err;
  const ProgramResult revoked = verify("a");
  EXPECT_NE(revoked.exit_code, 0);
  EXPECT_THAT(revoked.err, HasSubstr("certificate revoked"));
}

TEST_F(CertsCommandTest, RevokesOneCertificateByItsSerialNumber) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "a"}).exit_code, 0);
  const std::string old = SerialIn(ca_ / "a");
  ASSERT_EQ(
      Certs({"issue", ca_.string(), "--name", "a", "--replace"}).exit_code, 0);
  ASSERT_EQ(Certs({"revoke", ca_.string(), "--serial", old}).exit_code, 0);
  EXPECT_EQ(Certs({"show", (ca_ / "a").string()}).exit_code, 0);
  // Again changes nothing but the list's number.
  const ProgramResult again = Certs({"revoke", ca_.string(), "--serial", old});
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_THAT(again.out, HasSubstr("was revoked on"));
  const auto lists =
      ParseRevocationLists(ReadFileText(ca_ / "crl.pem").value()).value();
  EXPECT_EQ(lists.at(0).Number(), 2);
  EXPECT_EQ(lists.at(0).Revocations().size(), 1u);
}

TEST_F(CertsCommandTest, ServersInTheDirectoryGetTheList) {
  ASSERT_EQ(
      Certs({"init", ca_.string(), "--federation", "demo", "--server", "hub"})
          .exit_code,
      0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "a"}).exit_code, 0);
  ASSERT_EQ(Certs({"revoke", ca_.string(), "a"}).exit_code, 0);
  EXPECT_EQ(*ReadFileText(ca_ / "hub/crl.pem"), *ReadFileText(ca_ / "crl.pem"));
  EXPECT_FALSE(fs::exists(ca_ / "a/crl.pem"));
  EXPECT_EQ(ModeOf(ca_ / "crl.pem"), 0644u);
}

TEST_F(CertsCommandTest, ShowTellsOfRevocation) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(
      Certs({"issue", ca_.string(), "--name", "a", "--name", "b"}).exit_code,
      0);
  EXPECT_THAT(Certs({"show", (ca_ / "a").string()}).out,
              HasSubstr("not known: no crl.pem"));
  ASSERT_EQ(Certs({"revoke", ca_.string(), "a"}).exit_code, 0);
  const ProgramResult revoked = Certs({"show", (ca_ / "a").string()});
  EXPECT_EQ(revoked.exit_code, 1);
  EXPECT_THAT(revoked.out, HasSubstr("revoked      yes"));
  EXPECT_THAT(revoked.out, Not(HasSubstr("all passed")));
  EXPECT_THAT(revoked.err, HasSubstr("was revoked on"));
  const ProgramResult sound = Certs({"show", (ca_ / "b").string()});
  EXPECT_EQ(sound.exit_code, 0) << sound.err;
  EXPECT_THAT(sound.out, AllOf(HasSubstr("revoked      no, by the list of"),
                               HasSubstr("checks       all passed")));
}

TEST_F(CertsCommandTest, ShowPrintsAListOfRevokedCertificates) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "a"}).exit_code, 0);
  ASSERT_EQ(Certs({"revoke", ca_.string(), "a"}).exit_code, 0);
  const ProgramResult result = Certs({"show", (ca_ / "crl.pem").string()});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, AllOf(HasSubstr("issued by    fedgap demo CA"),
                                HasSubstr("number       1"),
                                HasSubstr("serial " + SerialIn(ca_ / "a"))));
}

TEST_F(CertsCommandTest, RevokeSaysWhatIsWrong) {
  ASSERT_EQ(Init().exit_code, 0);
  ASSERT_EQ(Certs({"issue", ca_.string(), "--name", "site-1"}).exit_code, 0);
  const auto error = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"revoke", ca_.string()});
    const ProgramResult result = Certs(std::move(words));
    EXPECT_EQ(result.exit_code, 1);
    return result.err;
  };
  EXPECT_THAT(error({"site-2"}), HasSubstr("did you mean 'site-1'"));
  EXPECT_THAT(error({"site-1", "--role", "admin"}),
              HasSubstr("site-1 with role admin"));
  EXPECT_THAT(error({"site-1", "--role", "boss"}), HasSubstr("unknown role"));
  EXPECT_THAT(error({"--serial", "no-number"}), HasSubstr("serial number"));
  EXPECT_THAT(error({}), HasSubstr("revoke what"));
  EXPECT_FALSE(fs::exists(ca_ / "crl.pem"));
  // What cannot be read is not replaced: a revocation would be forgotten.
  ASSERT_OK(WriteFileAtomic(ca_ / "crl.pem", "damaged"));
  EXPECT_THAT(error({"site-1"}), HasSubstr("crl.pem"));
  EXPECT_EQ(*ReadFileText(ca_ / "crl.pem"), "damaged");
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
