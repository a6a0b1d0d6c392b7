// Who may do what: mutual TLS, roles, the admin calls, health.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file_io.h"
#include "common/rpc/channel_options.h"
#include "common/rpc/health.h"
#include "common/rpc/status_conversion.h"
#include "common/rpc/tls_credentials.h"
#include "common/wire/join_wire.h"
#include "fedgap/v1/admin.grpc.pb.h"
#include "tests/server/rpc/running_server.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_authority.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

class TlsAccessTest : public testing::Test {
 protected:
  TlsAccessTest() : server_({.min_clients = 2, .tls = authority_.Server()}) {}

  std::shared_ptr<grpc::Channel> ChannelAs(const TlsFiles& files) {
    return grpc::CreateCustomChannel(
        server_.address().ToString(),
        ChannelTlsCredentials(files, SystemClock().WallNow()).value(),
        ClientChannelArguments(server_.address()));
  }
  TlsFiles Admin() {
    return authority_.Issue({.role = Role::kAdmin, .name = "root"});
  }

  TestAuthority authority_;
  RunningServer server_;
};

TEST_F(TlsAccessTest, AClientIsWhomItsCertificateNames) {
  ASSERT_OK_AND_ASSIGN(const auto alice,
                       server_.TlsClient(authority_.Client("alice")));
  ASSERT_OK(alice->Join(RunningServer::Holding(3)));
  const RunStatus status = server_.coordinator().GetStatus();
  ASSERT_EQ(status.clients.size(), 1U);
  EXPECT_EQ(status.clients[0].client.value, "alice");
}

TEST_F(TlsAccessTest, AnothersNameIsDenied) {
  const auto stub =
      v1::Federation::NewStub(ChannelAs(authority_.Client("mallory")));
  grpc::ClientContext context;
  context.AddMetadata("fedgap-client", "alice");
  v1::JoinReply reply;
  EXPECT_THAT(
      FromGrpcStatus(stub->Join(&context, ToProto(JoinRequest{}), &reply)),
      Fails(StatusCode::kPermissionDenied,
            AllOf(HasSubstr("mallory"), HasSubstr("alice"))));
}

TEST_F(TlsAccessTest, EveryCallAsksForTheRole) {
  ASSERT_OK_AND_ASSIGN(const auto admin, server_.TlsClient(Admin()));
  EXPECT_THAT(admin->Join({}), Fails(StatusCode::kPermissionDenied,
                                     HasSubstr("has role admin")));
  ASSERT_OK_AND_ASSIGN(const auto stream, admin->OpenTasks({}));
  EXPECT_THAT(stream->Next(), HasCode(StatusCode::kPermissionDenied));
  EXPECT_THAT(admin->Leave(""), HasCode(StatusCode::kPermissionDenied));

  const auto stub = v1::Federation::NewStub(ChannelAs(Admin()));
  grpc::ClientContext fetch;
  v1::ModelChunk chunk;
  const auto reader = stub->FetchModel(&fetch, {});
  EXPECT_FALSE(reader->Read(&chunk));
  EXPECT_THAT(FromGrpcStatus(reader->Finish()),
              HasCode(StatusCode::kPermissionDenied));
  grpc::ClientContext submit;
  v1::SubmitReply reply;
  const auto upload = stub->SubmitUpdate(&submit);
  EXPECT_FALSE(upload->Read(&reply));
  EXPECT_THAT(FromGrpcStatus(upload->Finish()),
              HasCode(StatusCode::kPermissionDenied));
}

TEST_F(TlsAccessTest, ACertificateOfAnotherAuthorityDoesNotConnect) {
  TestAuthority other;
  ASSERT_OK_AND_ASSIGN(const auto eve, server_.TlsClient(other.Client("eve")));
  EXPECT_THAT(eve->Join({}),
              Fails(StatusCode::kUnauthenticated,
                    AllOf(HasSubstr(server_.address().ToString()),
                          HasSubstr("not issued by the authority at hand"))));
}

TEST_F(TlsAccessTest, AServerOfAnotherNameIsToldWithItsNames) {
  RunningServer elsewhere(
      {.tls = authority_.Issue({.role = Role::kServer,
                                .name = "server",
                                .dns_names = {"elsewhere.example"}})});
  ASSERT_OK_AND_ASSIGN(const auto alice,
                       elsewhere.TlsClient(authority_.Client("alice")));
  EXPECT_THAT(
      alice->Join({}),
      Fails(StatusCode::kUnauthenticated,
            HasSubstr("is for [elsewhere.example], not for '127.0.0.1'")));
}

TEST_F(TlsAccessTest, TlsOnOneSideOnlyIsTold) {
  EXPECT_THAT(server_.Client("alice")->Join({}),
              Fails(StatusCode::kUnauthenticated,
                    HasSubstr("uses TLS and this client does not")));
  RunningServer plain({});
  ASSERT_OK_AND_ASSIGN(const auto bob,
                       plain.TlsClient(authority_.Client("bob")));
  EXPECT_THAT(bob->Join({}),
              Fails(StatusCode::kUnauthenticated,
                    HasSubstr("does not use TLS and this client does")));
}

TEST_F(TlsAccessTest, AnExpiredCertificateIsFoundBeforeItConnects) {
  TestAuthority old(SystemClock().WallNow() -
                    std::chrono::hours(24 * 365 * 30));
  EXPECT_THAT(server_.TlsClient(old.Client("alice")),
              HasCode(StatusCode::kFailedPrecondition));
}

TEST_F(TlsAccessTest, AdminCallsAreForAdmins) {
  v1::RunStatus reply;
  grpc::ClientContext as_client;
  EXPECT_THAT(
      FromGrpcStatus(v1::Admin::NewStub(ChannelAs(authority_.Client("alice")))
                         ->Status(&as_client, {}, &reply)),
      HasCode(StatusCode::kPermissionDenied));
  grpc::ClientContext watch;
  const auto watched = v1::Admin::NewStub(ChannelAs(authority_.Client("alice")))
                           ->Watch(&watch, {});
  EXPECT_FALSE(watched->Read(&reply)) << "what it may not see";
  EXPECT_THAT(FromGrpcStatus(watched->Finish()),
              HasCode(StatusCode::kPermissionDenied));
  grpc::ClientContext as_admin;
  EXPECT_OK(FromGrpcStatus(
      v1::Admin::NewStub(ChannelAs(Admin()))->Status(&as_admin, {}, &reply)));
  EXPECT_EQ(reply.phase(), v1::RUN_PHASE_WAITING);
}

TEST_F(TlsAccessTest, WhoAsksForWhatOnlyAdminsMayHasMadeACall) {
  RunningServer server({.tls = authority_.Server(),
                        .limits = {.calls_per_second = 1, .open_calls = 16}});
  const TlsFiles alice = authority_.Client("alice");
  const auto stub = v1::Admin::NewStub(grpc::CreateCustomChannel(
      server.address().ToString(),
      ChannelTlsCredentials(alice, SystemClock().WallNow()).value(),
      ClientChannelArguments(server.address())));
  const auto ask = [&stub] {
    grpc::ClientContext context;
    v1::RunStatus reply;
    return FromGrpcStatus(stub->Status(&context, {}, &reply));
  };
  EXPECT_THAT(ask(), HasCode(StatusCode::kPermissionDenied));
  // Ten may come at once, and one a second.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  Status status;
  while (!absl::IsResourceExhausted(status) &&
         std::chrono::steady_clock::now() < end) {
    status = ask();
  }
  EXPECT_THAT(status, Fails(StatusCode::kResourceExhausted,
                            HasSubstr("alice makes more than 1 calls")));
}

TEST_F(TlsAccessTest, ARevokedCertificateEndsWhatIsOpenAndKeepsItOut) {
  const TlsFiles server_files = authority_.Server();
  RunningServer server({.min_clients = 2, .tls = server_files});
  const Credentials alices = authority_.IssueCredentials({.name = "alice"});
  ASSERT_OK_AND_ASSIGN(const auto alice,
                       server.TlsClient(authority_.Write(alices)));
  ASSERT_OK_AND_ASSIGN(const auto bob,
                       server.TlsClient(authority_.Client("bob")));
  ASSERT_OK(alice->Join(RunningServer::Holding(3)));
  ASSERT_OK(bob->Join(RunningServer::Holding(3)));
  ASSERT_OK_AND_ASSIGN(const auto tasks, alice->OpenTasks({}));
  ASSERT_OK_AND_ASSIGN(const auto others, bob->OpenTasks({}));
  ASSERT_OK(tasks->Next());

  const auto now = SystemClock().WallNow();
  const auto list = authority_.authority().SignRevocations(
      {{{alices.certificate.SerialNumber(), now}}}, 1, now);
  ASSERT_OK(list);
  ASSERT_OK(WriteFileAtomic(RevocationsIn(server_files.identity.parent_path()),
                            list->ToPem()));
  const auto is_revoked = Fails(StatusCode::kPermissionDenied,
                                HasSubstr("the certificate of alice (serial"));
  EXPECT_THAT(tasks->Next(), is_revoked);
  EXPECT_THAT(alice->Join(RunningServer::Holding(3)), is_revoked);
  ASSERT_OK(others->Next());
  EXPECT_OK(bob->Join(RunningServer::Holding(3)));
  EXPECT_EQ(server.coordinator().GetStatus().connected, 1);
}

// A connection is whose it was when it was made, whatever the files say by now.
TEST_F(TlsAccessTest, AConnectionKeepsTheCertificateThatARenewalReplaced) {
  const TlsFiles server_files = authority_.Server();
  RunningServer server({.min_clients = 2, .tls = server_files});
  const Credentials before = authority_.IssueCredentials({.name = "alice"});
  const TlsFiles files = authority_.Write(before);
  ASSERT_OK_AND_ASSIGN(const auto alice, server.TlsClient(files));
  ASSERT_OK(alice->Join(RunningServer::Holding(3)));
  ASSERT_OK_AND_ASSIGN(const auto tasks, alice->OpenTasks({}));

  const Credentials renewed = authority_.IssueCredentials({.name = "alice"});
  ASSERT_OK(
      WriteTlsFiles(files, renewed, authority_.authority().certificate()));
  EXPECT_OK(alice->Join(RunningServer::Holding(3)));

  const auto now = SystemClock().WallNow();
  const auto list = authority_.authority().SignRevocations(
      {{{before.certificate.SerialNumber(), now}}}, 1, now);
  ASSERT_OK(list);
  ASSERT_OK(WriteFileAtomic(RevocationsIn(server_files.identity.parent_path()),
                            list->ToPem()));
  EXPECT_THAT(tasks->Next(), HasCode(StatusCode::kPermissionDenied));
  EXPECT_THAT(alice->Join(RunningServer::Holding(3)),
              HasCode(StatusCode::kPermissionDenied));
  ASSERT_OK_AND_ASSIGN(const auto anew, server.TlsClient(files));
  EXPECT_OK(anew->Join(RunningServer::Holding(3)));
}

TEST_F(TlsAccessTest, AListThatIsNamedMustBeThere) {
  const SystemClock clock;
  GrpcServer::Options options;
  options.listen = {"127.0.0.1", 0};
  options.tls = authority_.Server();
  options.revocations = "nowhere/crl.pem";
  EXPECT_THAT(GrpcServer::Check(options, clock.WallNow()),
              Fails(StatusCode::kNotFound, HasSubstr("nowhere/crl.pem")));
  options.revocations.clear();
  EXPECT_OK(GrpcServer::Check(options, clock.WallNow()));
}

TEST_F(TlsAccessTest, OnlyTheAllowedTakePart) {
  RunningServer server(
      {.tls = authority_.Server(), .allowed_clients = {"bob"}});
  ASSERT_OK_AND_ASSIGN(const auto alice,
                       server.TlsClient(authority_.Client("alice")));
  EXPECT_THAT(alice->Join({}),
              Fails(StatusCode::kPermissionDenied,
                    HasSubstr("alice is not among the server's "
                              "allowed_clients")));
  ASSERT_OK_AND_ASSIGN(const auto bob,
                       server.TlsClient(authority_.Client("bob")));
  EXPECT_OK(bob->Join({}));
}

// Without TLS, from this machine.
class AdminTest : public testing::Test {
 protected:
  AdminTest()
      : server_({.min_clients = 2}),
        channel_(grpc::CreateChannel(server_.address().ToString(),
                                     grpc::InsecureChannelCredentials())),
        stub_(v1::Admin::NewStub(channel_)) {}

  RunningServer server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::Admin::Stub> stub_;
};

TEST_F(AdminTest, OperatorsPauseAndResume) {
  v1::RunStatus status;
  grpc::ClientContext pause;
  ASSERT_TRUE(stub_->Pause(&pause, {}, &status).ok());
  EXPECT_EQ(server_.coordinator().GetStatus().phase, RunPhase::kPaused);
  grpc::ClientContext resume;
  ASSERT_TRUE(stub_->Resume(&resume, {}, &status).ok());
  EXPECT_EQ(server_.coordinator().GetStatus().phase, RunPhase::kWaiting);
}

TEST_F(AdminTest, ClientsAreListedByName) {
  for (const char* name : {"bob", "alice"}) {
    ASSERT_OK(server_.Client(name)->Join(RunningServer::Holding(7)));
  }
  v1::ClientsReply reply;
  grpc::ClientContext context;
  ASSERT_TRUE(stub_->Clients(&context, {}, &reply).ok());
  ASSERT_EQ(reply.clients_size(), 2);
  EXPECT_EQ(reply.clients(0).client(), "alice");
  EXPECT_EQ(reply.clients(1).samples(), 7);
}

TEST_F(AdminTest, AWatchEndsWithTheRun) {
  grpc::ClientContext watch;
  const auto reader = stub_->Watch(&watch, {});
  v1::RunStatus status;
  ASSERT_TRUE(reader->Read(&status));
  EXPECT_EQ(status.phase(), v1::RUN_PHASE_WAITING);
  grpc::ClientContext stop;
  v1::StopRequest request;
  request.set_reason("enough");
  v1::RunStatus stopped;
  ASSERT_TRUE(stub_->Stop(&stop, request, &stopped).ok());
  while (reader->Read(&status)) {
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(status.phase(), v1::RUN_PHASE_FINISHED);
  EXPECT_EQ(status.reason(), "stopped by an operator (enough)");
}

TEST_F(TlsAccessTest, AnyMemberMayAskWhetherTheServerServes) {
  const SystemClock clock;
  HealthQuery query{.server = server_.address()};
  for (const TlsFiles& member : {authority_.Client("alice"), Admin()}) {
    query.tls = member;
    EXPECT_OK(CheckHealth(query, clock));
  }
  TestAuthority other;
  query.tls = other.Client("mallory");
  EXPECT_THAT(CheckHealth(query, clock),
              Fails(StatusCode::kUnauthenticated,
                    HasSubstr("is not the one to trust")));
}

TEST(HealthTest, AServerThatIsGoneRefuses) {
  HealthQuery query;
  {
    const RunningServer server({});
    query.server = {"0.0.0.0", server.address().port};
    EXPECT_OK(CheckHealth(query, SystemClock()));
  }
  EXPECT_THAT(CheckHealth(query, SystemClock()),
              Fails(StatusCode::kUnavailable, HasSubstr("connection refused")));
}

}  // namespace
}  // namespace fedgap
