#include "dashboard/http/dashboard_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;

TEST(DashboardTokenTest, IsMadeUpWhereOneIsNeeded) {
  EXPECT_THAT(DashboardToken("", /*needed=*/false).value(), IsEmpty());
  const std::string token = DashboardToken("", /*needed=*/true).value();
  EXPECT_THAT(token, MatchesRegex("[0-9a-f]{32}"));
  EXPECT_NE(token, DashboardToken("", true).value());
}

TEST(DashboardTokenTest, ComesFromAFile) {
  const TempDir dir;
  ASSERT_OK(WriteFileAtomic(dir / "token",
                            std::string_view("\n abcDEF-123_4567890\n")));
  EXPECT_EQ(DashboardToken(dir / "token", false).value(), "abcDEF-123_4567890");
}

TEST(DashboardTokenTest, RefusesWhatIsEasyToGuessOrBreaksTheAddress) {
  const TempDir dir;
  for (const char* text :
       {"", "  \n", "short", "0123456789abcdef&x=y", "0123456789 abcdefgh"}) {
    ASSERT_OK(WriteFileAtomic(dir / "token", std::string_view(text)));
    const Status status = DashboardToken(dir / "token", true).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_THAT(std::string(status.message()), HasSubstr("openssl rand"));
  }
  EXPECT_EQ(DashboardToken(dir / "none", true).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(DashboardTokenTest, ASecretFromAFileIsNotForTheLog) {
  const TempDir dir;
  ASSERT_OK(
      WriteFileAtomic(dir / "token", std::string_view("0123456789abcdef")));
  DashboardServer::Options options{.is_loopback = false};
  ASSERT_OK(SetToken(dir / "token", options));
  EXPECT_EQ(options.token, "0123456789abcdef");
  EXPECT_FALSE(options.shows_token);
  ASSERT_OK(SetToken("", options));
  EXPECT_THAT(options.token, MatchesRegex("[0-9a-f]{32}"));
  EXPECT_TRUE(options.shows_token);
}

TEST(DashboardAccessTest, AnOpenWayIsSaid) {
  EXPECT_EQ(AccessWarning({.is_loopback = true}), "");
  EXPECT_EQ(AccessWarning({.identity = "key.pem", .is_loopback = false}), "");
  EXPECT_THAT(AccessWarning({.is_loopback = false}), HasSubstr("unencrypted"));
}

}  // namespace
}  // namespace fedgap
