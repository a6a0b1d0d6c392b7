#include "dashboard/page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "common/crypto/base64.h"
#include "common/crypto/sha256.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// What stands between each `open` and the next `close`.
std::vector<std::string> Between(const std::string& text,
                                 const std::string& open,
                                 const std::string& close) {
  std::vector<std::string> found;
  for (auto at = text.find(open); at != text.npos; at = text.find(open, at)) {
    at += open.size();
    const auto end = text.find(close, at);
    found.push_back(text.substr(at, end - at));
    at = end;
  }
  return found;
}

TEST(PageTest, ThePolicyAllowsExactlyWhatStandsInThePage) {
  const std::string page = MakePage(R"({"runs":[]})");
  const std::string policy = Between(page, "Policy\" content=\"", "\"").at(0);
  const auto scripts = Between(page, "<script>", "</script>");
  ASSERT_THAT(scripts, SizeIs(2)) << "the library and the page's own";
  for (const std::string& script : scripts) {
    EXPECT_THAT(policy,
                HasSubstr("'sha256-" +
                          ToBase64(Sha256Of(std::string_view(script))) + "'"));
  }
  EXPECT_THAT(policy, HasSubstr(ToBase64(Sha256Of(std::string_view(
                          Between(page, "<style>", "</style>").at(0))))));
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
}

TEST(PageTest, AsksNoOtherHost) {
  const std::string page = MakePage(R"({"runs":[]})");
  for (const char* attribute : {" src=", "@import", "url("}) {
    EXPECT_THAT(page, Not(HasSubstr(attribute)));
  }
  for (const std::string& target : Between(page, " href=\"", "\"")) {
    EXPECT_TRUE(target.starts_with('#') || target.starts_with("data:"))
        << target;
  }
}

TEST(PageTest, OnlyAServedPageMayAskItsServer) {
  EXPECT_THAT(MakePage("{}"), Not(HasSubstr("connect-src")));
  EXPECT_THAT(MakePage("{}", PageUse::kServed),
              HasSubstr("connect-src 'self';"));
}

TEST(PageTest, DataStandsAsItIs) {
  const std::string data = R"({"runs":[],"x":"{{script}} {{library}}"})";
  EXPECT_THAT(MakePage(data), HasSubstr("id=\"data\">" + data + "</script>"));
}

}  // namespace
}  // namespace fedgap
