#include "common/crypto/certificate_request.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "common/crypto/certificate_authority.h"
#include "common/crypto/certificate_checks.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

TEST(CertificateRequestTest, GivesACertificateOnAKeyThatStays) {
  const TestAuthority authority;
  const auto now = SystemClock().WallNow();
  for (const KeyAlgorithm algorithm :
       {KeyAlgorithm::kP256, KeyAlgorithm::kEd25519}) {
    const PrivateKey key = PrivateKey::Generate(algorithm);
    const CertificateRequest made = CertificateRequest::Make(key);
    ASSERT_OK_AND_ASSIGN(const CertificateRequest read,
                         CertificateRequest::FromPem(made.ToPem()));
    EXPECT_EQ(read.KeyFingerprint(), made.KeyFingerprint());
    ASSERT_OK_AND_ASSIGN(
        const Certificate certificate,
        authority.authority().Issue({.name = "site-1"}, read, now));
    EXPECT_OK(CheckPair(certificate, key));
    EXPECT_EQ(certificate.GetIdentity().value().name, "site-1");
    EXPECT_THAT(made.ToPem(), testing::Not(HasSubstr("PRIVATE")));
  }
}

TEST(CertificateRequestTest, RefusesWhatIsNone) {
  for (const char* text : {"",
                           "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"
                           "-----END CERTIFICATE REQUEST-----\n"}) {
    EXPECT_THAT(CertificateRequest::FromPem(text),
                HasCode(StatusCode::kInvalidArgument));
  }
  EXPECT_THAT(CertificateRequest::FromPem(
                  TestAuthority().authority().certificate().ToPem()),
              HasCode(StatusCode::kInvalidArgument));
}

TEST(CertificateRequestTest, RefusesAForgedSignature) {
  const std::string pem =
      CertificateRequest::Make(PrivateKey::Generate(KeyAlgorithm::kEd25519))
          .ToPem();
  // The signature is the end of the DER: flip a bit of it in the text.
  std::string forged = pem;
  const auto last = forged.find("\n-----END") - 8;
  forged[last] = forged[last] == 'A' ? 'B' : 'A';
  EXPECT_THAT(CertificateRequest::FromPem(forged),
              HasCode(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace fedgap
