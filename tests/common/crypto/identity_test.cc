#include "common/crypto/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

TEST(IdentityTest, FormatsAndParsesEveryRole) {
  for (const Role role :
       {Role::kClient, Role::kServer, Role::kAdmin, Role::kEvaluator}) {
    const Identity identity{"demo", role, "site-1"};
    ASSERT_OK_AND_ASSIGN(const std::string uri, FormatIdentityUri(identity));
    ASSERT_OK_AND_ASSIGN(const Identity parsed, ParseIdentityUri(uri));
    EXPECT_EQ(parsed, identity);
  }
}

TEST(IdentityTest, HasTheDocumentedForm) {
  EXPECT_EQ(*FormatIdentityUri({"demo", Role::kClient, "Site_1.a"}),
            "spiffe://fedgap/demo/client/Site_1.a");
}

TEST(IdentityTest, RefusesEveryOtherForm) {
  for (const char* uri :
       {"", "site-1", "https://fedgap/demo/client/a", "spiffe://fedgap/",
        "spiffe://fedgap/demo/client", "spiffe://fedgap/demo/client/",
        "spiffe://fedgap/demo/client/a/", "spiffe://fedgap/demo/client/a/b",
        "spiffe://fedgap//client/a", "spiffe://fedgap/demo/CLIENT/a",
        "SPIFFE://fedgap/demo/client/a", "spiffe://other/demo/client/a",
        "spiffe://fedgap/demo/client/..", "spiffe://fedgap/demo/client/%61",
        "spiffe://fedgap/demo/client/a?b"}) {
    EXPECT_THAT(ParseIdentityUri(uri),
                Fails(kInvalid, HasSubstr("FEDERATION/ROLE/NAME")))
        << uri;
  }
}

TEST(IdentityTest, RefusesAnEmbeddedNul) {
  EXPECT_THAT(
      ParseIdentityUri(std::string_view("spiffe://fedgap/d/client/a\0b", 28)),
      Fails(kInvalid, HasSubstr("byte 0x00")));
}

TEST(IdentityTest, KeepsFederationAndIdentityUrisApart) {
  EXPECT_EQ(*FormatFederationUri("demo"), "spiffe://fedgap/demo");
  EXPECT_EQ(*ParseFederationUri("spiffe://fedgap/demo"), "demo");
  EXPECT_THAT(ParseFederationUri("spiffe://fedgap/demo/client/a"),
              HasCode(kInvalid));
}

TEST(NameTest, AcceptsTheWholeAlphabetUpTo64) {
  EXPECT_OK(ValidateName("aZ09._-", "the name"));
  EXPECT_OK(ValidateName(std::string(64, 'x'), "the name"));
}

TEST(NameTest, SaysWhatIsWrong) {
  EXPECT_THAT(ValidateName("", "the name"),
              Fails(kInvalid, HasSubstr("the name is empty")));
  EXPECT_THAT(ValidateName(std::string(65, 'x'), "the name"),
              Fails(kInvalid, HasSubstr("65 characters")));
  EXPECT_THAT(ValidateName("a/b", "the name"),
              Fails(kInvalid, HasSubstr("'/'")));
  EXPECT_THAT(ValidateName("a b", "the name"),
              Fails(kInvalid, HasSubstr("byte 0x20")));
  EXPECT_THAT(ValidateName("..", "the name"),
              Fails(kInvalid, HasSubstr("start with")));
  EXPECT_THAT(ValidateName("-rf", "the name"),
              Fails(kInvalid, HasSubstr("start with")));
}

TEST(RoleTest, SuggestsTheNearestWord) {
  EXPECT_EQ(*ParseRole("admin"), Role::kAdmin);
  EXPECT_THAT(ParseRole("cilent"),
              Fails(kInvalid, HasSubstr("did you mean 'client'")));
}

}  // namespace
}  // namespace fedgap
