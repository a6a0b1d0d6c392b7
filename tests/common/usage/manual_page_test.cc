#include "common/usage/manual_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/usage/sample_app.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ManualPageTest : public ::testing::Test {
 protected:
  const std::string page_ =
      ManualPage(DescribeCommand(SampleApp().app), "sample 1.2");
};

TEST_F(ManualPageTest, BeginsWithTitleAndName) {
  EXPECT_THAT(page_, HasSubstr(".TH SAMPLE\\-TOOL 1 \"\" \"sample 1.2\" \"User "
                               "Commands\"\n.SH NAME\n"
                               "sample\\-tool \\- the tool of a test\n"));
}

TEST_F(ManualPageTest, HasAPartForEachSubcommand) {
  EXPECT_THAT(page_, AllOf(HasSubstr(".SS \"sample\\-tool logs\"\n"),
                           HasSubstr(".SS \"sample\\-tool certs\"\n"),
                           HasSubstr(".SS \"sample\\-tool certs init\"\n"
                                     "\\fBsample\\-tool certs init\\fR "
                                     "[\\fIoption\\fR ...] \\fIDIR\\fR\n")));
}

TEST_F(ManualPageTest, HasEveryOptionThatIsNotHidden) {
  EXPECT_THAT(page_, AllOf(HasSubstr(".TP\n\\fB\\-o\\fR, \\fB\\-\\-out\\fR "
                                     "\\fIFILE\\fR\nWhere to\n"),
                           HasSubstr("\\fB\\-\\-tail\\fR \\fIINT\\fR\n"
                                     "Only the last (in [1 \\- 9])\n"),
                           HasSubstr("\\fB\\-\\-follow\\fR\nGo on\n"),
                           Not(HasSubstr("secret"))));
}

TEST_F(ManualPageTest, ShowsExamplesAsTheyAreTyped) {
  EXPECT_THAT(page_, HasSubstr("Examples:\n.PP\n.RS 4\n.EX\n"
                               "tool logs \\(aqa b\\(aq\n.EE\n.RE\n"));
  EXPECT_THAT(page_, HasSubstr("Times are UTC.\n"));
}

TEST_F(ManualPageTest, HasTheExitCodesOnce) {
  EXPECT_THAT(page_, HasSubstr(".SH EXIT STATUS\n.TP\n.B 0\n"));
  EXPECT_THAT(page_, Not(HasSubstr("Exit codes:")));
}

TEST_F(ManualPageTest, NoLineOfTextIsTakenForARequest) {
  CLI::App app("It ends.", "tool");
  app.footer(".SH OWNED\n'so it goes");
  const std::string page = ManualPage(DescribeCommand(app), "tool 1");
  EXPECT_THAT(page,
              AllOf(HasSubstr("\\&.SH OWNED\n"), HasSubstr("\\&'so it goes\n"),
                    HasSubstr("\\fBfedgap\\fR(1)")));
}

}  // namespace
}  // namespace fedgap
