#include "server/rpc/serial_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

Certificate CertificateOf(const TestAuthority& authority, std::string name) {
  return std::move(
      authority.IssueCredentials({.name = std::move(name)}).certificate);
}

TEST(SerialCacheTest, TellsTheSerialOfEachCertificate) {
  const TestAuthority authority;
  const Certificate a = CertificateOf(authority, "a");
  const Certificate b = CertificateOf(authority, "b");
  SerialCache cache;
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(cache.SerialOf(a.ToPem()).value(), a.SerialNumber());
    EXPECT_EQ(cache.SerialOf(b.ToPem()).value(), b.SerialNumber());
    EXPECT_EQ(cache.size(), 2);
  }
}

TEST(SerialCacheTest, HoldsNoMoreThanItsCapacity) {
  const TestAuthority authority;
  SerialCache cache(2);
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    const Certificate certificate = CertificateOf(authority, name);
    EXPECT_EQ(cache.SerialOf(certificate.ToPem()).value(),
              certificate.SerialNumber());
    EXPECT_LE(cache.size(), 2);
  }
}

TEST(SerialCacheTest, RemembersNothingOfWhatIsNoCertificate) {
  SerialCache cache;
  EXPECT_THAT(cache.SerialOf("nonsense"),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(cache.size(), 0);
}

}  // namespace
}  // namespace fedgap
