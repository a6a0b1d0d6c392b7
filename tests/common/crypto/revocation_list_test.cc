#include "common/crypto/revocation_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;
using testing::SizeIs;

const Clock::WallTime kListedAt =
    Clock::WallTime(std::chrono::seconds(1800000000));

std::string SerialOf(const TestAuthority& authority, const std::string& name) {
  return authority.IssueCredentials({.name = name}).certificate.SerialNumber();
}

std::vector<Certificate> Authorities(const TestAuthority& authority) {
  return ParseCertificates(authority.authority().certificate().ToPem()).value();
}

TEST(RevocationListTest, ReadsBackWhatTheAuthoritySigned) {
  for (const KeyAlgorithm algorithm :
       {KeyAlgorithm::kP256, KeyAlgorithm::kEd25519}) {
    ASSERT_OK_AND_ASSIGN(
        const CertificateAuthority authority,
        CertificateAuthority::Init(
            {.federation = "test", .algorithm = algorithm}, kListedAt));
    const Revocation alice{"40ab", kListedAt};
    const Revocation bob{"7f00000000000000000000000000ff", kListedAt};
    ASSERT_OK_AND_ASSIGN(
        const RevocationList made,
        authority.SignRevocations({{alice, bob}}, 7, kListedAt));
    ASSERT_OK_AND_ASSIGN(const auto read, ParseRevocationLists(made.ToPem()));
    ASSERT_THAT(read, SizeIs(1));
    EXPECT_EQ(read[0].Number(), 7);
    EXPECT_EQ(read[0].IssuedAt(), kListedAt);
    EXPECT_THAT(read[0].Revocations(),
                testing::UnorderedElementsAre(alice, bob));
    EXPECT_EQ(read[0].RevokedAt("40ab"), kListedAt);
    EXPECT_EQ(read[0].RevokedAt("40ac"), std::nullopt);
    ASSERT_OK_AND_ASSIGN(const auto own,
                         ParseCertificates(authority.certificate().ToPem()));
    EXPECT_OK(read[0].CheckIssuedBy(own));
  }
}

TEST(RevocationListTest, KnowsTheSerialNumbersOfCertificates) {
  const TestAuthority authority;
  const std::string alice = SerialOf(authority, "alice");
  const std::string bob = SerialOf(authority, "bob");
  const auto now = SystemClock().WallNow();
  std::vector<RevocationList> lists;
  lists.push_back(
      authority.authority().SignRevocations({{{alice, now}}}, 1, now).value());
  EXPECT_OK(CheckNotRevoked(bob, "the certificate of bob", lists));
  EXPECT_OK(CheckNotRevoked(alice, "the certificate of alice", {}));
  EXPECT_THAT(CheckNotRevoked(alice, "the certificate of alice", lists),
              Fails(StatusCode::kPermissionDenied,
                    AllOf(HasSubstr("the certificate of alice (serial " +
                                    alice + ") was revoked on 20"),
                          HasSubstr("ask the federation's operator"))));
}

TEST(RevocationListTest, AnEmptyListRevokesNothing) {
  const TestAuthority authority;
  const RevocationList list =
      authority.authority().SignRevocations({}, 1, kListedAt).value();
  EXPECT_TRUE(list.Revocations().empty());
  EXPECT_EQ(ParseRevocationLists(list.ToPem()).value()[0].Number(), 1);
}

TEST(RevocationListTest, AnotherAuthoritysListIsRefused) {
  const TestAuthority ours;
  const TestAuthority theirs;
  const RevocationList list =
      theirs.authority()
          .SignRevocations({{{"40ab", kListedAt}}}, 1, kListedAt)
          .value();
  EXPECT_THAT(list.CheckIssuedBy(Authorities(ours)),
              Fails(StatusCode::kFailedPrecondition,
                    HasSubstr("not signed by the authority at hand")));
}

// The signature covers every byte of the list.
TEST(RevocationListTest, AChangedListIsRefused) {
  const TestAuthority authority;
  const RevocationList list =
      authority.authority()
          .SignRevocations({{{"40ab", kListedAt}}}, 1, kListedAt)
          .value();
  std::string pem = list.ToPem();
  int refused = 0;
  int tried = 0;
  const std::size_t body = pem.find('\n') + 1;
  for (std::size_t i = body; pem[i] != '-'; i += 7) {
    if (pem[i] == '\n' || pem[i] == '=') continue;
    std::string changed = pem;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    ++tried;
    const auto read = ParseRevocationLists(changed);
    if (!read.ok() || !(*read)[0].CheckIssuedBy(Authorities(authority)).ok()) {
      ++refused;
    }
  }
  EXPECT_GT(tried, 20);
  EXPECT_EQ(refused, tried);
}

TEST(RevocationListTest, ReadsTheListsOfSeveralAuthorities) {
  const TestAuthority older;
  const TestAuthority newer;
  const std::string both =
      older.authority().SignRevocations({}, 1, kListedAt)->ToPem() +
      newer.authority()
          .SignRevocations({{{"40", kListedAt}}}, 1, kListedAt)
          ->ToPem();
  ASSERT_OK_AND_ASSIGN(const auto lists, ParseRevocationLists(both));
  ASSERT_THAT(lists, SizeIs(2));
  EXPECT_THAT(CheckNotRevoked("40", "x", lists),
              HasCode(StatusCode::kPermissionDenied));
}

TEST(RevocationListTest, RefusesWhatIsNoList) {
  const TestAuthority authority;
  const std::string pem =
      authority.authority().SignRevocations({}, 1, kListedAt)->ToPem();
  for (const std::string& text :
       {std::string(), std::string("no PEM"), pem.substr(0, pem.size() / 2),
        authority.authority().certificate().ToPem(),
        pem + pem.substr(0, pem.size() / 2)}) {
    EXPECT_THAT(ParseRevocationLists(text), Fails(StatusCode::kInvalidArgument,
                                                  HasSubstr("BEGIN X509 CRL")));
  }
}

TEST(RevocationListTest, WhatIsNoSerialNumberIsNotSigned) {
  const TestAuthority authority;
  for (const std::string& serial :
       {std::string(), std::string("xyz"), std::string("40AB"),
        std::string("-1"), std::string(41, '1')}) {
    EXPECT_THAT(
        authority.authority().SignRevocations({{{serial, kListedAt}}}, 1,
                                              kListedAt),
        Fails(StatusCode::kInvalidArgument, HasSubstr("fedgap certs list")));
  }
}

}  // namespace
}  // namespace fedgap
