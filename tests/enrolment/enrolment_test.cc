#include "enrolment/enrolment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/base/file_io.h"
#include "common/crypto/certificate_checks.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

class EnrolmentTest : public testing::Test {
 protected:
  EnrolmentTest()
      : enrolment_(directory_, CertificateAuthority::FromPem(
                                   authority_.authority().certificate().ToPem(),
                                   authority_.authority().key().ToPem())
                                   .value()) {}

  std::string Invite(Invitation invitation) const {
    if (invitation.expires == Clock::WallTime()) {
      invitation.expires = now_ + std::chrono::hours(1);
    }
    return InvitationBook(directory_.invitations()).Add(invitation).value();
  }
  static CertificateRequest NewRequest() {
    return CertificateRequest::Make(PrivateKey::Generate(KeyAlgorithm::kP256));
  }
  StatusOr<std::string> NameFor(const std::string& secret) {
    FEDGAP_ASSIGN_OR_RETURN(const Certificate certificate,
                            enrolment_.Enrol(secret, NewRequest(), now_));
    FEDGAP_ASSIGN_OR_RETURN(const Identity identity, certificate.GetIdentity());
    return identity.name;
  }

  const Clock::WallTime now_ = SystemClock().WallNow();
  TempDir dir_;
  TestAuthority authority_;
  AuthorityDirectory directory_{dir_.path()};
  Enrolment enrolment_;
};

TEST_F(EnrolmentTest, ATokenIsGoodForOneKey) {
  const std::string secret = Invite({.name = "site-7"});
  const CertificateRequest request = NewRequest();
  ASSERT_OK_AND_ASSIGN(const Certificate certificate,
                       enrolment_.Enrol(secret, request, now_));
  EXPECT_EQ(certificate.GetIdentity().value(),
            (Identity{"test", Role::kClient, "site-7"}));
  // The answer was lost: the same key gets the same certificate, at any time.
  ASSERT_OK_AND_ASSIGN(
      const Certificate again,
      enrolment_.Enrol(secret, request, now_ + std::chrono::hours(30)));
  EXPECT_EQ(again.SerialNumber(), certificate.SerialNumber());
  EXPECT_THAT(enrolment_.Enrol(secret, NewRequest(), now_),
              Fails(StatusCode::kPermissionDenied, HasSubstr("used up")));
  // It can be revoked by name.
  ASSERT_OK_AND_ASSIGN(const auto issued,
                       directory_.Issued(enrolment_.authority()));
  ASSERT_EQ(issued.size(), 1U);
  EXPECT_EQ(issued[0].SerialNumber(), certificate.SerialNumber());
}

TEST_F(EnrolmentTest, ATokenExpires) {
  const auto expires = now_ + std::chrono::seconds(10);
  const std::string secret = Invite({.name = "site-7", .expires = expires});
  EXPECT_OK(NameFor(secret));
  const std::string late = Invite({.name = "site-8", .expires = expires});
  EXPECT_THAT(
      enrolment_.Enrol(late, NewRequest(), now_ + std::chrono::seconds(11)),
      Fails(StatusCode::kPermissionDenied, HasSubstr("expired on")));
  EXPECT_THAT(NameFor("nobody's"),
              Fails(StatusCode::kPermissionDenied, HasSubstr("no invitation")));
}

TEST_F(EnrolmentTest, SeveralSitesOfOneTokenAreNumbered) {
  ASSERT_OK(directory_.Record(
      authority_.IssueCredentials({.name = "camera-2"}).certificate));
  const std::string secret =
      Invite({.name = "camera-", .numbered = true, .uses = 3});
  EXPECT_EQ(NameFor(secret).value(), "camera-1");
  EXPECT_EQ(NameFor(secret).value(), "camera-3");
  EXPECT_EQ(NameFor(secret).value(), "camera-4");
  EXPECT_THAT(NameFor(secret), HasCode(StatusCode::kPermissionDenied));
}

}  // namespace
}  // namespace fedgap
