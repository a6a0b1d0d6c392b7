#include "server/rpc/identity_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using std::chrono::days;
using std::chrono::hours;
using testing::AllOf;
using testing::HasSubstr;

class IdentityWatchTest : public testing::Test {
 protected:
  TlsFiles Server(days validity) {
    return authority_.Issue({.role = Role::kServer,
                             .name = "server",
                             .dns_names = {"localhost"},
                             .validity = validity});
  }
  IdentityWatch Watch(const TlsFiles& files) const {
    return {files,
            LoadTlsFiles(files, TlsEnd::kServer, now_).value().certificate};
  }
  // As `mv` does.
  static void Replace(const std::filesystem::path& file,
                      const std::filesystem::path& by) {
    ASSERT_OK(WriteFileAtomic(file, ReadFileText(by).value()));
  }
  std::string LineAt(IdentityWatch& watch, Clock::Duration later,
                     bool is_good) const {
    const auto news = watch.Look(now_ + later);
    if (!news.has_value()) return "";
    EXPECT_EQ(news->is_good, is_good) << news->line;
    return news->line;
  }

  const Clock::WallTime now_ = SystemClock().WallNow();
  TestAuthority authority_{now_};
};

TEST_F(IdentityWatchTest, SaysThatAGoodCertificateTookTheOldOnesPlace) {
  const TlsFiles files = Server(days(365));
  IdentityWatch watch = Watch(files);
  EXPECT_EQ(LineAt(watch, hours(1), true), "");
  Replace(files.identity, Server(days(200)).identity);
  EXPECT_THAT(LineAt(watch, hours(1), true),
              HasSubstr("were replaced: valid until"));
  EXPECT_EQ(LineAt(watch, hours(1), true), "");
}

TEST_F(IdentityWatchTest, SaysWhatIsWrongWithANewCertificate) {
  const TlsFiles files = Server(days(365));
  IdentityWatch watch = Watch(files);
  TestAuthority other;
  Replace(files.identity, other.Server().identity);
  EXPECT_THAT(
      LineAt(watch, hours(1), false),
      AllOf(HasSubstr("cannot be used"), HasSubstr(files.identity.string())));
  EXPECT_EQ(LineAt(watch, hours(1), false), "");
}

TEST_F(IdentityWatchTest, SpeaksOfItsEndOnceADayAndWhenItHasCome) {
  const TlsFiles files = Server(days(90));
  IdentityWatch watch = Watch(files);
  EXPECT_EQ(LineAt(watch, days(59), false), "");
  EXPECT_THAT(LineAt(watch, days(61), false), HasSubstr("ends on"));
  EXPECT_EQ(LineAt(watch, days(61) + hours(23), false), "");
  EXPECT_THAT(LineAt(watch, days(89) + hours(23), false), HasSubstr("ends on"));
  EXPECT_THAT(LineAt(watch, days(90) + hours(1), false),
              HasSubstr("no client connects"));
  EXPECT_EQ(LineAt(watch, days(90) + hours(2), false), "");
}

TEST_F(IdentityWatchTest, AShortLifeIsNotAlwaysNearItsEnd) {
  const TlsFiles files = Server(days(3));
  IdentityWatch watch = Watch(files);
  EXPECT_EQ(LineAt(watch, days(1), false), "");
  EXPECT_THAT(LineAt(watch, days(2) + hours(1), false), HasSubstr("ends on"));
}

}  // namespace
}  // namespace fedgap
