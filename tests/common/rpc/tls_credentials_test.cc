#include "common/rpc/tls_credentials.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/file_io.h"
#include "tests/testing/identity_echo_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using std::chrono::days;
using ::testing::HasSubstr;

// gRPC's handshakes go by the real time, so these tests do too.
Clock::WallTime Now() { return SystemClock().WallNow(); }

// gRPC's credentials without any check of ours before the connection: what an
// attacker would use. No identity: no client certificate.
std::shared_ptr<grpc::ChannelCredentials> UncheckedCredentials(
    const TestAuthority& trusted, const Credentials* identity) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = trusted.authority().certificate().ToPem();
  if (identity != nullptr) {
    options.pem_private_key = identity->key.ToPem();
    options.pem_cert_chain = identity->certificate.ToPem();
  }
  return grpc::SslCredentials(options);
}

class TlsCredentialsTest : public ::testing::Test {
 protected:
  StatusOr<std::string> Call(const TlsFiles& client,
                             const ServerAddress& address) {
    FEDGAP_ASSIGN_OR_RETURN(const auto credentials,
                            ChannelTlsCredentials(client, Now()));
    return CallIdentityEcho(address, credentials);
  }
  StatusOr<std::string> CallUnchecked(const Credentials* identity) {
    return CallIdentityEcho(server_.address(),
                            UncheckedCredentials(authority_, identity));
  }

  // Ten days old, so that a certificate of one day has expired.
  TestAuthority authority_{Now() - days(10)};
  IdentityEchoServer server_{*ServerTlsCredentials(authority_.Server(), Now())};
};

TEST_F(TlsCredentialsTest, TellTheServerWhoCalls) {
  ASSERT_OK_AND_ASSIGN(const std::string uri,
                       Call(authority_.Client("site-1"), server_.address()));
  EXPECT_EQ(uri, "spiffe://fedgap/test/client/site-1");
}

TEST_F(TlsCredentialsTest, TakeEd25519AtBothEnds) {
  const IdentityEchoServer server(*ServerTlsCredentials(
      authority_.Issue({.role = Role::kServer,
                        .name = "server",
                        .ip_addresses = {"127.0.0.1"},
                        .algorithm = KeyAlgorithm::kEd25519}),
      Now()));
  const TlsFiles client =
      authority_.Issue({.role = Role::kAdmin,
                        .name = "op",
                        .algorithm = KeyAlgorithm::kEd25519});
  ASSERT_OK_AND_ASSIGN(const std::string uri, Call(client, server.address()));
  EXPECT_EQ(uri, "spiffe://fedgap/test/admin/op");
}

TEST_F(TlsCredentialsTest, RefuseAClientWithoutACertificate) {
  EXPECT_THAT(CallUnchecked(nullptr), HasCode(kUnavailable));
}

TEST_F(TlsCredentialsTest, RefuseAClientOfAnotherAuthority) {
  const TestAuthority other;
  const Credentials identity = other.IssueCredentials({.name = "site-1"});
  EXPECT_THAT(CallUnchecked(&identity), HasCode(kUnavailable));
}

TEST_F(TlsCredentialsTest, RefuseAnExpiredClient) {
  const Credentials identity =
      authority_.IssueCredentials({.name = "a", .validity = days(1)});
  EXPECT_THAT(CallUnchecked(&identity), HasCode(kUnavailable));
}

TEST_F(TlsCredentialsTest, RefuseAServersCertificateAsAClients) {
  const Credentials identity = authority_.IssueCredentials(
      {.role = Role::kServer, .name = "s", .dns_names = {"localhost"}});
  EXPECT_THAT(CallUnchecked(&identity), HasCode(kUnavailable));
}

// The refusals above would pass with a server that refuses everybody.
TEST_F(TlsCredentialsTest, AcceptAnUncheckedClientWithAGoodCertificate) {
  const Credentials identity = authority_.IssueCredentials({.name = "a"});
  EXPECT_OK(CallUnchecked(&identity));
}

TEST_F(TlsCredentialsTest, TellTheClientWhatIsWrongBeforeItConnects) {
  const TlsFiles expired = authority_.Issue({.name = "a", .validity = days(1)});
  EXPECT_THAT(Call(expired, server_.address()),
              Fails(kPrecondition, HasSubstr("expired")));
  EXPECT_THAT(Call(authority_.Server(), server_.address()),
              Fails(kPrecondition, HasSubstr("--role client")));
  EXPECT_THAT(
      Call({"/nowhere/identity.pem", "/nowhere/ca.pem"}, server_.address()),
      Fails(absl::StatusCode::kNotFound, HasSubstr("/nowhere")));
}

TEST_F(TlsCredentialsTest, RefuseToServeWithAClientsCertificate) {
  EXPECT_THAT(ServerTlsCredentials(authority_.Client("a"), Now()),
              Fails(kPrecondition, HasSubstr("--role server")));
}

TEST_F(TlsCredentialsTest, RefuseAServerUnderAnotherName) {
  const IdentityEchoServer server(*ServerTlsCredentials(
      authority_.Issue({.role = Role::kServer,
                        .name = "server",
                        .dns_names = {"elsewhere.example.org"}}),
      Now()));
  EXPECT_THAT(Call(authority_.Client("a"), server.address()),
              Fails(kUnavailable, HasSubstr("Hostname Verification")));
}

TEST_F(TlsCredentialsTest, RefuseAServerOfAnotherAuthority) {
  TestAuthority other;
  EXPECT_THAT(Call(other.Client("a"), server_.address()),
              Fails(kUnavailable, HasSubstr("certificate verify failed")));
}

TEST_F(TlsCredentialsTest, RefuseAClientThatPosesAsAServer) {
  const Credentials client = authority_.IssueCredentials({.name = "mallory"});
  grpc::SslServerCredentialsOptions options;
  options.pem_key_cert_pairs = {
      {client.key.ToPem(), client.certificate.ToPem()}};
  const IdentityEchoServer server(grpc::SslServerCredentials(options));
  EXPECT_THAT(Call(authority_.Client("a"), server.address()),
              Fails(kUnavailable, HasSubstr("certificate verify failed")));
}

TEST_F(TlsCredentialsTest, DenyACertificateWithoutAnIdentity) {
  // The authority's key signs what `fedgap certs` never would: a foreign URI.
  const Credentials good = authority_.IssueCredentials({.name = "a"});
  X509* certificate = X509_dup(good.certificate.handle());
  const int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
  X509_EXTENSION_free(X509_delete_ext(certificate, at));
  ASSERT_GT(X509_sign(certificate, authority_.authority().key().handle(),
                      EVP_sha256()),
            0);
  const Credentials nameless{.certificate = Certificate(certificate),
                             .key = *PrivateKey::FromPem(good.key.ToPem())};
  EXPECT_THAT(
      CallUnchecked(&nameless),
      Fails(absl::StatusCode::kPermissionDenied, HasSubstr("0 URI names")));
}

TEST_F(TlsCredentialsTest, AreNeededBeyondTheLoopback) {
  const ServerAddress remote{"10.0.0.1", 8470};
  EXPECT_THAT(ServerInsecureCredentials(remote, InsecureScope::kLoopback),
              Fails(kPrecondition, HasSubstr("fedgap certs init")));
  EXPECT_THAT(ChannelInsecureCredentials(remote, InsecureScope::kLoopback),
              HasCode(kPrecondition));
  EXPECT_OK(ServerInsecureCredentials(remote, InsecureScope::kAnywhere));
}

// A bare TLS client of at most `version` with a good certificate; OK if the
// handshake succeeds.
Status Handshake(const ServerAddress& address, const TlsFiles& files,
                 int version) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
      SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  SSL_CTX_set_max_proto_version(context.get(), version);
  SSL_CTX_load_verify_file(context.get(), files.authority.c_str());
  SSL_CTX_use_certificate_chain_file(context.get(), files.identity.c_str());
  SSL_CTX_use_PrivateKey_file(context.get(), files.identity.c_str(),
                              SSL_FILETYPE_PEM);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = ::htons(address.port);
  peer.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  FEDGAP_CHECK(::connect(socket, reinterpret_cast<const sockaddr*>(&peer),
                         sizeof(peer)) == 0);
  ERR_clear_error();
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()),
                                                      SSL_free);
  SSL_set_fd(ssl.get(), socket);
  constexpr unsigned char kHttp2[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof(kHttp2));
  const int connected = SSL_connect(ssl.get());
  ::close(socket);
  if (connected == 1) return absl::OkStatus();
  return absl::UnavailableError(ERR_reason_error_string(ERR_get_error()));
}

TEST_F(TlsCredentialsTest, RefuseTls12) {
  const TlsFiles client = authority_.Client("a");
  EXPECT_OK(Handshake(server_.address(), client, TLS1_3_VERSION));
  // The server finds no cipher suite in common and hangs up.
  EXPECT_THAT(Handshake(server_.address(), client, TLS1_2_VERSION),
              HasCode(kUnavailable));
}

}  // namespace
}  // namespace fedgap
