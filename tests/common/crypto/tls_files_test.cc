#include "common/crypto/tls_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using std::chrono::days;
using ::testing::AllOf;
using ::testing::HasSubstr;

const Clock::WallTime kToday =
    std::chrono::system_clock::from_time_t(1767225600);

TEST(TlsFilesTest, LoadsWhatItWrote) {
  TestAuthority authority(kToday);
  const TlsFiles files = authority.Client("site-1");
  ASSERT_OK_AND_ASSIGN(const TlsMaterial material,
                       LoadTlsFiles(files, TlsEnd::kClient, kToday));
  EXPECT_EQ(material.identity, (Identity{"test", Role::kClient, "site-1"}));
  EXPECT_EQ(material.authorities.size(), 1u);
}

TEST(TlsFilesTest, HidesTheKeyFromOthers) {
  TestAuthority authority(kToday);
  struct stat info {};
  ASSERT_EQ(::stat(authority.Client("a").identity.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
}

TEST(TlsFilesTest, NamesTheMissingFile) {
  TempDir dir;
  EXPECT_THAT(
      LoadTlsFiles(TlsFilesIn(dir.path()), TlsEnd::kClient, kToday),
      Fails(absl::StatusCode::kNotFound,
            AllOf(HasSubstr("identity.pem"), HasSubstr("fedgap certs issue"))));
}

TEST(TlsFilesTest, KnowsTheAuthoritysDirectory) {
  const TempDir dir;
  ASSERT_OK(WriteFileAtomic(dir / "ca.key", "secret"));
  EXPECT_THAT(LoadTlsFiles(TlsFilesIn(dir.path()), TlsEnd::kServer, kToday),
              Fails(absl::StatusCode::kNotFound,
                    HasSubstr("an authority's own directory")));
}

TEST(TlsFilesTest, NamesTheUnreadableFile) {
  TestAuthority authority(kToday);
  const TlsFiles files = authority.Client("a");
  ASSERT_OK(WriteFileAtomic(files.authority, "no PEM"));
  EXPECT_THAT(LoadTlsFiles(files, TlsEnd::kClient, kToday),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("ca.pem")));
}

TEST(TlsFilesTest, RefusesEachFailedCheckWithTheFilesName) {
  TestAuthority authority(kToday);
  TestAuthority other(kToday);
  const TlsFiles files = authority.Client("a");
  EXPECT_THAT(LoadTlsFiles(files, TlsEnd::kClient, kToday + days(366)),
              Fails(kPrecondition,
                    AllOf(HasSubstr("identity.pem"), HasSubstr("expired"))));
  EXPECT_THAT(LoadTlsFiles(files, TlsEnd::kServer, kToday),
              Fails(kPrecondition, HasSubstr("may not be used by a server")));
  EXPECT_THAT(LoadTlsFiles({files.identity, other.Client("a").authority},
                           TlsEnd::kClient, kToday),
              Fails(kPrecondition, HasSubstr("not issued by")));
  const Credentials one = authority.IssueCredentials({.name = "one"});
  const Credentials two = authority.IssueCredentials({.name = "two"});
  ASSERT_OK(WriteFileAtomic(files.identity,
                            one.key.ToPem() + two.certificate.ToPem()));
  EXPECT_THAT(LoadTlsFiles(files, TlsEnd::kClient, kToday),
              Fails(kPrecondition, HasSubstr("does not belong")));
}

TEST(TlsFilesTest, AcceptsABundleOfAuthoritiesDuringAChangeOver) {
  TestAuthority old_authority(kToday - days(3649));
  TestAuthority new_authority(kToday);
  const TlsFiles files = new_authority.Client("a");
  ASSERT_OK(WriteFileAtomic(
      files.authority, old_authority.authority().certificate().ToPem() +
                           new_authority.authority().certificate().ToPem()));
  EXPECT_OK(LoadTlsFiles(files, TlsEnd::kClient, kToday));
  // The old authority has expired by now; the new one still counts.
  EXPECT_OK(LoadTlsFiles(files, TlsEnd::kClient, kToday + days(2)));
}

TEST(TlsFilesTest, RefusesAnExpiredAuthority) {
  TestAuthority authority(kToday);
  EXPECT_THAT(
      LoadTlsFiles(authority.Client("a"), TlsEnd::kClient, kToday + days(3651)),
      Fails(kPrecondition, AllOf(HasSubstr("ca.pem"), HasSubstr("expired"))));
}

}  // namespace
}  // namespace fedgap
