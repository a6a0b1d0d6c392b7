#include "enrolment/invitation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;

TEST(EnrolmentTokenTest, IsReadBack) {
  EnrolmentToken token{.secret = "00112233445566778899aabbccddeeff",
                       .authority = {}};
  token.authority[0] = 0xab;
  token.authority[31] = 0x0f;
  ASSERT_OK_AND_ASSIGN(const EnrolmentToken read,
                       EnrolmentToken::Parse(token.ToString()));
  EXPECT_EQ(read.secret, token.secret);
  EXPECT_EQ(read.authority, token.authority);
}

TEST(EnrolmentTokenTest, RefusesPieces) {
  const std::string whole = EnrolmentToken{
      .secret = std::string(32, 'a'),
      .authority = {}}.ToString();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THAT(EnrolmentToken::Parse(whole.substr(0, size)),
                HasCode(StatusCode::kInvalidArgument));
  }
  EXPECT_FALSE(EnrolmentToken::Parse(whole + "0").ok());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string damaged = whole;
    damaged[i] = '?';
    EXPECT_FALSE(EnrolmentToken::Parse(damaged).ok()) << damaged;
  }
}

class InvitationBookTest : public testing::Test {
 protected:
  TempDir dir_;
  const InvitationBook book_{dir_ / "invitations"};
  Invitation invitation_{.name = "site-7",
                         .expires = Clock::WallTime(std::chrono::hours(1000))};
};

TEST_F(InvitationBookTest, FindsByTheSecretAndKeepsNoSecret) {
  invitation_.enrolled = {{"ab", "40"}};
  ASSERT_OK_AND_ASSIGN(const std::string secret, book_.Add(invitation_));
  EXPECT_THAT(secret, MatchesRegex("[0-9a-f]{32}"));
  ASSERT_OK_AND_ASSIGN(const Invitation found, book_.Find(secret));
  EXPECT_EQ(found.name, "site-7");
  EXPECT_EQ(found.role, Role::kClient);
  EXPECT_EQ(found.expires, invitation_.expires);
  EXPECT_EQ(found.validity, std::chrono::days(365));
  ASSERT_EQ(found.enrolled.size(), 1U);
  EXPECT_EQ(found.enrolled[0].serial, "40");
  for (const auto& entry :
       std::filesystem::directory_iterator(dir_ / "invitations")) {
    EXPECT_THAT(entry.path().string(), Not(HasSubstr(secret)));
    EXPECT_THAT(ReadFileText(entry.path()).value(), Not(HasSubstr(secret)));
  }
}

TEST_F(InvitationBookTest, NoOtherSecretFindsIt) {
  ASSERT_OK(book_.Add(invitation_));
  EXPECT_THAT(book_.Find(std::string(32, '0')), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(book_.Find(""), HasCode(StatusCode::kNotFound));
  EXPECT_THAT(book_.Find("../../etc/passwd"), HasCode(StatusCode::kNotFound));
}

TEST_F(InvitationBookTest, RefusesWhatMakesNoSense) {
  invitation_.name = "no name";
  EXPECT_FALSE(book_.Add(invitation_).ok());
  invitation_.name = "site";
  invitation_.role = Role::kServer;
  EXPECT_FALSE(book_.Add(invitation_).ok());
  invitation_.role = Role::kClient;
  for (const int uses : {0, -1, 2}) {
    invitation_.uses = uses;
    EXPECT_FALSE(book_.Add(invitation_).ok()) << uses;
  }
  invitation_.numbered = true;
  EXPECT_OK(book_.Add(invitation_));
  invitation_.validity = std::chrono::days(0);
  EXPECT_FALSE(book_.Add(invitation_).ok());
  invitation_.validity = std::chrono::days(1);
  invitation_.expires += std::chrono::hours(24 * 365 * 230);
  EXPECT_FALSE(book_.Add(invitation_).ok());
}

TEST_F(InvitationBookTest, ValuesThatNoInvitationHasAreDamage) {
  invitation_.enrolled = {{"ab", "40"}};
  const std::string sound = ToJson(invitation_);
  EXPECT_OK(ParseInvitation(sound));
  for (const auto& [was, is] : std::vector<std::pair<std::string, std::string>>{
           {"\"expires\": 3600000", "\"expires\": 9223372036854775807"},
           {"\"expires\": 3600000", "\"expires\": -1"},
           {"\"expires\": 3600000", "\"expires\": 18446744073709551615"},
           {"\"days\": 365", "\"days\": 1e300"},
           {"\"days\": 365", "\"days\": 0"},
           {"\"uses\": 1", "\"uses\": 4294967297"},
           {"\"role\": \"client\"", "\"role\": \"server\""},
           {"\"serial\": \"40\"", "\"serial\": \"../../x\""},
           {"site-7", "no name"}}) {
    std::string text = sound;
    ASSERT_NE(text.find(was), text.npos) << was;
    text.replace(text.find(was), was.size(), is);
    EXPECT_THAT(ParseInvitation(text), HasCode(StatusCode::kDataLoss)) << is;
  }
}

TEST_F(InvitationBookTest, NamesADamagedFile) {
  ASSERT_OK_AND_ASSIGN(const std::string secret, book_.Add(invitation_));
  for (const auto& entry :
       std::filesystem::directory_iterator(dir_ / "invitations")) {
    ASSERT_OK(WriteFileAtomic(entry.path(), std::string_view("{\"name\":1}")));
    EXPECT_THAT(book_.Find(secret),
                Fails(StatusCode::kDataLoss, HasSubstr(entry.path().string())));
  }
}

}  // namespace
}  // namespace fedgap
