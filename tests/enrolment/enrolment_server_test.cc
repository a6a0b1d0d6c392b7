// Both sides over real HTTPS.
#include "enrolment/enrolment_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "common/base/mutex.h"
#include "common/crypto/certificate_checks.h"
#include "enrolment/enrol.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class EnrolmentServerTest : public testing::Test {
 protected:
  EnrolmentServerTest()
      : enrolment_(AuthorityDirectory(dir_ / "ca"),
                   CertificateAuthority::FromPem(
                       authority_.authority().certificate().ToPem(),
                       authority_.authority().key().ToPem())
                       .value()) {
    std::filesystem::create_directories(dir_ / "bundle");
    Start(authority_, "127.0.0.1");
  }
  void Start(const TestAuthority& owner, const std::string& ip) {
    const Credentials own = owner.IssueCredentials(
        {.role = Role::kServer, .name = "enrolment", .ip_addresses = {ip}});
    const auto identity = dir_ / "server.pem";
    ASSERT_OK(
        WriteFileAtomic(identity, own.key.ToPem() + own.certificate.ToPem() +
                                      owner.authority().certificate().ToPem()));
    server_.reset();
    auto server = EnrolmentServer::Start({.host = "127.0.0.1",
                                          .identity = identity,
                                          .say =
                                              [this](const std::string& line) {
                                                MutexLock lock(mutex_);
                                                lines_.push_back(line);
                                              }},
                                         enrolment_, clock_);
    ASSERT_OK(server);
    server_ = *std::move(server);
  }
  std::string Invite(const std::string& name) {
    return InvitationBook(dir_ / "ca/invitations")
        .Add(
            {.name = name, .expires = clock_.WallNow() + std::chrono::hours(1)})
        .value();
  }
  StatusOr<Identity> EnrolWith(const std::string& secret) {
    return Enrol(
        {.server = {"127.0.0.1", static_cast<std::uint16_t>(server_->port())},
         .token = {.secret = secret,
                   .authority =
                       authority_.authority().certificate().Fingerprint()},
         .bundle = dir_ / "bundle"},
        clock_.WallNow());
  }
  std::vector<std::string> lines() {
    MutexLock lock(mutex_);
    return lines_;
  }

  const SystemClock clock_;
  TempDir dir_;
  TestAuthority authority_;
  Enrolment enrolment_;
  Mutex mutex_;
  std::vector<std::string> lines_ GUARDED_BY(mutex_);
  std::unique_ptr<EnrolmentServer> server_;
};

TEST_F(EnrolmentServerTest, ASiteGetsABundleThatItsProgramsTake) {
  ASSERT_OK_AND_ASSIGN(const Identity identity, EnrolWith(Invite("site-7")));
  EXPECT_EQ(identity, (Identity{"test", Role::kClient, "site-7"}));
  ASSERT_OK_AND_ASSIGN(const TlsMaterial material,
                       LoadTlsFiles(TlsFilesIn(dir_ / "bundle"),
                                    TlsEnd::kClient, clock_.WallNow()));
  EXPECT_EQ(material.identity.name, "site-7");
  EXPECT_EQ(std::filesystem::status(dir_ / "bundle/identity.pem").permissions(),
            std::filesystem::perms(0600));
  EXPECT_THAT(lines(), Contains(AllOf(HasSubstr("enrolled site-7"),
                                      HasSubstr("127.0.0.1"))));
}

TEST_F(EnrolmentServerTest, ATokenThatDoesNotCountIsToldWhy) {
  EXPECT_THAT(EnrolWith(std::string(32, '0')),
              Fails(StatusCode::kPermissionDenied, HasSubstr("no invitation")));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "bundle/identity.pem"));
  EXPECT_THAT(lines(), Contains(HasSubstr("refused 127.0.0.1")));
}

// The secret must not be said to it.
TEST_F(EnrolmentServerTest, AnothersServerIsNotTrusted) {
  const std::string secret = Invite("site-7");
  Start(TestAuthority(), "127.0.0.1");
  EXPECT_THAT(EnrolWith(secret),
              Fails(StatusCode::kUnauthenticated,
                    HasSubstr("does not show the authority")));
  Start(authority_, "127.0.0.9");
  EXPECT_THAT(EnrolWith(secret),
              Fails(StatusCode::kUnauthenticated, HasSubstr("127.0.0.9")));
  EXPECT_THAT(lines(), testing::IsEmpty());
}

// Its certificate is by another authority, but the chain shows the one that the
// token names.
TEST_F(EnrolmentServerTest, AChainWithABorrowedAuthorityIsNotTrusted) {
  const TestAuthority eve;
  const Credentials own = eve.IssueCredentials(
      {.role = Role::kServer, .name = "eve", .ip_addresses = {"127.0.0.1"}});
  ASSERT_OK(WriteFileAtomic(dir_ / "server.pem",
                            own.key.ToPem() + own.certificate.ToPem() +
                                authority_.authority().certificate().ToPem()));
  server_.reset();
  auto server = EnrolmentServer::Start({.host = "127.0.0.1",
                                        .identity = dir_ / "server.pem",
                                        .say = [](auto&) {}},
                                       enrolment_, clock_);
  ASSERT_OK(server);
  server_ = *std::move(server);
  EXPECT_THAT(EnrolWith(Invite("site-7")),
              Fails(StatusCode::kUnauthenticated,
                    HasSubstr("is not the one to trust")));
}

TEST_F(EnrolmentServerTest, OtherRequestsAreRefused) {
  httplib::SSLClient client("127.0.0.1", server_->port());
  client.enable_server_certificate_verification(false);
  const auto post = [&client](const std::string& body) {
    const auto answer = client.Post("/v1/enrol", body, "application/json");
    return answer ? answer->status : 0;
  };
  EXPECT_EQ(post(""), 400);
  EXPECT_EQ(post("[]"), 400);
  EXPECT_EQ(post(R"({"token":"x"})"), 400);
  EXPECT_EQ(post(R"({"token":"x","request":"y"})"), 400);
  EXPECT_EQ(post(std::string(20'000, 'x')), 413);
  EXPECT_EQ(client.Get("/v1/enrol")->status, 404);
  EXPECT_EQ(client.Get("/healthz")->status, 200);
}

TEST_F(EnrolmentServerTest, ASecondServerOnThePortIsAnError) {
  const auto second = EnrolmentServer::Start({.host = "127.0.0.1",
                                              .port = server_->port(),
                                              .identity = dir_ / "server.pem",
                                              .say = [](const auto&) {}},
                                             enrolment_, clock_);
  EXPECT_THAT(second.status(),
              Fails(StatusCode::kUnavailable, HasSubstr("is the port taken")));
}

TEST_F(EnrolmentServerTest, NobodyThereIsSaid) {
  const std::string secret = Invite("site-7");
  const int port = server_->port();
  server_.reset();
  EXPECT_THAT(Enrol({.server = {"127.0.0.1", static_cast<std::uint16_t>(port)},
                     .token = {.secret = secret, .authority = {}},
                     .bundle = dir_ / "bundle"},
                    clock_.WallNow()),
              Fails(StatusCode::kUnavailable, HasSubstr("fedgap certs serve")));
}

TEST_F(EnrolmentServerTest, SpeaksTls13Alone) {
  httplib::SSLClient client("127.0.0.1", server_->port());
  client.enable_server_certificate_verification(false);
  EXPECT_TRUE(client.Get("/healthz"));
  httplib::SSLClient older("127.0.0.1", server_->port());
  older.enable_server_certificate_verification(false);
  SSL_CTX_set_max_proto_version(older.ssl_context(), TLS1_2_VERSION);
  EXPECT_FALSE(older.Get("/healthz"));
}

}  // namespace
}  // namespace fedgap
