#include "common/crypto/certificate_authority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "common/crypto/certificate_checks.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// 2026-01-01 00:00:00 UTC.
const Clock::WallTime kNow = std::chrono::system_clock::from_time_t(1767225600);

CertificateAuthority Authority(AuthorityOptions options = {
                                   .federation = "demo"}) {
  return *CertificateAuthority::Init(options, kNow);
}

TEST(CertificateAuthorityTest, IsAnAuthorityOfItsFederation) {
  const CertificateAuthority authority = Authority();
  EXPECT_EQ(authority.federation(), "demo");
  EXPECT_TRUE(authority.certificate().IsAuthority());
  EXPECT_EQ(authority.certificate().CommonName(), "fedgap demo CA");
  EXPECT_THAT(authority.certificate().GetAlternativeNames().uri,
              ElementsAre("spiffe://fedgap/demo"));
  EXPECT_EQ(authority.certificate().NotAfter(), kNow + days(3650));
}

TEST(CertificateAuthorityTest, SurvivesPem) {
  const CertificateAuthority authority = Authority();
  ASSERT_OK_AND_ASSIGN(
      const CertificateAuthority read,
      CertificateAuthority::FromPem(authority.certificate().ToPem(),
                                    authority.key().ToPem()));
  EXPECT_EQ(read.federation(), "demo");
  ASSERT_OK_AND_ASSIGN(const Credentials issued,
                       read.Issue({.name = "site-1"}, kNow));
  EXPECT_OK(CheckIssuedBy(issued.certificate,
                          std::span(&authority.certificate(), 1)));
}

TEST(CertificateAuthorityTest, IssuesAClientWithItsIdentity) {
  const CertificateAuthority authority = Authority();
  for (const KeyAlgorithm algorithm :
       {KeyAlgorithm::kP256, KeyAlgorithm::kEd25519}) {
    ASSERT_OK_AND_ASSIGN(
        const Credentials issued,
        authority.Issue({.name = "site-1", .algorithm = algorithm}, kNow));
    const Certificate& certificate = issued.certificate;
    EXPECT_EQ(*certificate.GetIdentity(),
              (Identity{"demo", Role::kClient, "site-1"}));
    EXPECT_EQ(issued.key.algorithm(), algorithm);
    EXPECT_FALSE(certificate.IsAuthority());
    EXPECT_EQ(certificate.NotBefore(), kNow - std::chrono::minutes(5));
    EXPECT_EQ(certificate.NotAfter(), kNow + days(365));
    EXPECT_OK(CheckPair(certificate, issued.key));
    EXPECT_OK(CheckValidity(certificate, kNow));
    EXPECT_OK(CheckUsage(certificate, TlsEnd::kClient));
    EXPECT_OK(
        CheckIssuedBy(certificate, std::span(&authority.certificate(), 1)));
  }
}

TEST(CertificateAuthorityTest, IssuesAServerWithItsAddresses) {
  const CertificateAuthority authority =
      Authority({.federation = "demo", .algorithm = KeyAlgorithm::kEd25519});
  ASSERT_OK_AND_ASSIGN(
      const Credentials issued,
      authority.Issue({.role = Role::kServer,
                       .name = "server",
                       .dns_names = {"localhost", "*.example.org"},
                       .ip_addresses = {"127.0.0.1", "::1"}},
                      kNow));
  const AlternativeNames names = issued.certificate.GetAlternativeNames();
  EXPECT_THAT(names.dns, ElementsAre("localhost", "*.example.org"));
  EXPECT_THAT(names.ip, ElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(names.uri, ElementsAre("spiffe://fedgap/demo/server/server"));
  EXPECT_OK(CheckUsage(issued.certificate, TlsEnd::kServer));
  EXPECT_OK(CheckHostName(issued.certificate, "a.example.org"));
  EXPECT_OK(CheckHostName(issued.certificate, "::1"));
  EXPECT_OK(CheckIssuedBy(issued.certificate,
                          std::span(&authority.certificate(), 1)));
}

// The extensions that RFC 5280 asks for, read back by OpenSSL.
TEST(CertificateAuthorityTest, WritesTheExtensions) {
  const CertificateAuthority authority = Authority();
  ASSERT_OK_AND_ASSIGN(const Credentials issued,
                       authority.Issue({.name = "a"}, kNow));
  X509* ca = authority.certificate().handle();
  X509* leaf = issued.certificate.handle();
  EXPECT_EQ(X509_get_pathlen(ca), 0);
  EXPECT_EQ(X509_get_key_usage(ca), unsigned{KU_KEY_CERT_SIGN | KU_CRL_SIGN});
  EXPECT_EQ(X509_get_key_usage(leaf), unsigned{KU_DIGITAL_SIGNATURE});
  EXPECT_EQ(X509_get_extended_key_usage(leaf), unsigned{XKU_SSL_CLIENT});
  ASSERT_NE(X509_get0_subject_key_id(leaf), nullptr);
  ASSERT_NE(X509_get0_authority_key_id(leaf), nullptr);
  EXPECT_EQ(ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(leaf),
                                  X509_get0_subject_key_id(ca)),
            0);
}

TEST(CertificateAuthorityTest, GivesEachCertificateItsOwnSerialNumber) {
  const CertificateAuthority authority = Authority();
  const std::string one =
      authority.Issue({.name = "a"}, kNow)->certificate.SerialNumber();
  const std::string two =
      authority.Issue({.name = "a"}, kNow)->certificate.SerialNumber();
  EXPECT_EQ(one.size(), 32u);
  EXPECT_NE(one, two);
}

TEST(CertificateAuthorityTest, RefusesBadRequests) {
  const CertificateAuthority authority = Authority();
  EXPECT_THAT(authority.Issue({.name = "a b"}, kNow),
              Fails(kInvalid, HasSubstr("byte 0x20")));
  EXPECT_THAT(authority.Issue({.name = "a", .validity = days(0)}, kNow),
              Fails(kInvalid, HasSubstr("0 days")));
  EXPECT_THAT(authority.Issue({.role = Role::kServer, .name = "a"}, kNow),
              Fails(kInvalid, HasSubstr("--dns or --ip")));
  EXPECT_THAT(authority.Issue({.name = "a", .dns_names = {"b"}}, kNow),
              Fails(kInvalid, HasSubstr("only a server")));
  EXPECT_THAT(CertificateAuthority::Init({.federation = ""}, kNow),
              Fails(kInvalid, HasSubstr("federation")));
}

TEST(CertificateAuthorityTest, RefusesBadAddresses) {
  const CertificateAuthority authority = Authority();
  const auto issue = [&](std::string dns, std::string ip) {
    IssueOptions options{.role = Role::kServer, .name = "s"};
    if (!dns.empty()) options.dns_names = {std::move(dns)};
    if (!ip.empty()) options.ip_addresses = {std::move(ip)};
    return authority.Issue(options, kNow).status();
  };
  for (const char* dns : {"a,URI:spiffe", "a b", "-a", "a-", "a..b", ".a", "a.",
                          "a*", "*", "a_b", "a:1"}) {
    EXPECT_THAT(issue(dns, ""), Fails(kInvalid, HasSubstr("no DNS name")))
        << dns;
  }
  for (const char* ip : {"localhost", "1.2.3", "1.2.3.4:5", "1.2.3.4,DNS:x"}) {
    EXPECT_THAT(issue("", ip), Fails(kInvalid, HasSubstr("no IP address")))
        << ip;
  }
}

TEST(CertificateAuthorityTest, IssuesNothingThatOutlivesIt) {
  const CertificateAuthority authority =
      Authority({.federation = "demo", .validity = days(30)});
  EXPECT_OK(authority.Issue({.name = "a", .validity = days(30)}, kNow));
  EXPECT_THAT(authority.Issue({.name = "a", .validity = days(31)}, kNow),
              Fails(kPrecondition, HasSubstr("outlive")));
  EXPECT_THAT(
      authority.Issue({.name = "a", .validity = days(1)}, kNow + days(31)),
      Fails(kPrecondition, HasSubstr("expired")));
}

TEST(CertificateAuthorityTest, IsNotMadeFromALeafOrAForeignKey) {
  const CertificateAuthority authority = Authority();
  const Credentials leaf = *authority.Issue({.name = "a"}, kNow);
  EXPECT_THAT(
      CertificateAuthority::FromPem(leaf.certificate.ToPem(), leaf.key.ToPem()),
      Fails(kInvalid, HasSubstr("not an authority")));
  EXPECT_THAT(CertificateAuthority::FromPem(authority.certificate().ToPem(),
                                            leaf.key.ToPem()),
              Fails(kPrecondition, HasSubstr("does not belong")));
}

TEST(CertificateTest, SurvivesPem) {
  const Credentials leaf = *Authority().Issue({.name = "a"}, kNow);
  ASSERT_OK_AND_ASSIGN(
      const Certificate read,
      Certificate::FromPem(leaf.key.ToPem() + leaf.certificate.ToPem()));
  EXPECT_EQ(read.Fingerprint(), leaf.certificate.Fingerprint());
  EXPECT_EQ(read.KeyAlgorithmText(), "P-256");
  EXPECT_EQ(read.IssuerCommonName(), "fedgap demo CA");
}

TEST(CertificateTest, RefusesTextWithoutOne) {
  for (const char* text :
       {"", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n"}) {
    EXPECT_THAT(Certificate::FromPem(text),
                Fails(kInvalid, HasSubstr("certificate")));
    EXPECT_THAT(ParseCertificates(text), HasCode(kInvalid));
  }
}

TEST(CertificateTest, ReadsEveryCertificateOfAFile) {
  const std::string pem =
      Authority().certificate().ToPem() +
      Authority({.federation = "two"}).certificate().ToPem();
  ASSERT_OK_AND_ASSIGN(const std::vector<Certificate> both,
                       ParseCertificates(pem));
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both[1].CommonName(), "fedgap two CA");
  EXPECT_THAT(ParseCertificates(pem + "-----BEGIN CERTIFICATE-----\nAA\n"),
              HasCode(kInvalid));
}

TEST(CertificateTest, HasNoIdentityWithoutTheUri) {
  EXPECT_THAT(Authority().certificate().GetIdentity(), HasCode(kInvalid));
}

TEST(CertificateChecksTest, TellAForeignKey) {
  const CertificateAuthority authority = Authority();
  const Credentials one = *authority.Issue({.name = "one"}, kNow);
  const Credentials two = *authority.Issue({.name = "two"}, kNow);
  EXPECT_THAT(CheckPair(one.certificate, two.key),
              Fails(kPrecondition, HasSubstr("'one'")));
  EXPECT_THAT(
      CheckPair(one.certificate, PrivateKey::Generate(KeyAlgorithm::kEd25519)),
      HasCode(kPrecondition));
}

TEST(CertificateChecksTest, TellTheEndsOfThePeriod) {
  const Credentials leaf = *Authority().Issue({.name = "a"}, kNow);
  const Clock::WallTime start = leaf.certificate.NotBefore();
  const Clock::WallTime end = leaf.certificate.NotAfter();
  const std::chrono::seconds second(1);
  EXPECT_OK(CheckValidity(leaf.certificate, start));
  EXPECT_OK(CheckValidity(leaf.certificate, end));
  EXPECT_THAT(
      CheckValidity(leaf.certificate, end + second),
      Fails(kPrecondition, HasSubstr("expired on 2027-01-01 00:00:00 UTC")));
  EXPECT_THAT(CheckValidity(leaf.certificate, start - second),
              Fails(kPrecondition, HasSubstr("not valid before")));
}

TEST(CertificateChecksTest, TellAnotherAuthorityOfTheSameName) {
  const Credentials leaf = *Authority().Issue({.name = "a"}, kNow);
  const CertificateAuthority other = Authority();
  EXPECT_THAT(
      CheckIssuedBy(leaf.certificate, std::span(&other.certificate(), 1)),
      Fails(kPrecondition, HasSubstr("not issued by")));
  EXPECT_THAT(CheckIssuedBy(leaf.certificate, {}), HasCode(kPrecondition));
}

TEST(CertificateChecksTest, KeepClientsAndServersApart) {
  const CertificateAuthority authority = Authority();
  const Credentials client = *authority.Issue({.name = "a"}, kNow);
  EXPECT_THAT(CheckUsage(client.certificate, TlsEnd::kServer),
              Fails(kPrecondition, HasSubstr("--role server")));
  const Credentials server = *authority.Issue(
      {.role = Role::kServer, .name = "s", .dns_names = {"s"}}, kNow);
  EXPECT_THAT(CheckUsage(server.certificate, TlsEnd::kClient),
              Fails(kPrecondition, HasSubstr("--role client")));
}

TEST(CertificateChecksTest, ListTheNamesOfTheServer) {
  const Credentials server = *Authority().Issue({.role = Role::kServer,
                                                 .name = "s",
                                                 .dns_names = {"localhost"},
                                                 .ip_addresses = {"127.0.0.1"}},
                                                kNow);
  EXPECT_OK(CheckHostName(server.certificate, "localhost"));
  EXPECT_OK(CheckHostName(server.certificate, "127.0.0.1"));
  EXPECT_THAT(CheckHostName(server.certificate, "10.0.0.1"),
              Fails(kPrecondition, HasSubstr("[localhost, 127.0.0.1]")));
  // The common name says nothing.
  EXPECT_THAT(CheckHostName(server.certificate, "s"), HasCode(kPrecondition));
}

}  // namespace
}  // namespace fedgap
