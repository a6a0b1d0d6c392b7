// The stream of tasks as the client sees it, from a server of any kind.
#include <gmock/gmock.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "client/rpc/grpc_federation_api.h"
#include "common/base/clock.h"
#include "fedgap/v1/federation.grpc.pb.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using Writer = grpc::ServerWriter<v1::TasksReply>;

// Answers the n-th call of Tasks (from 0) as the test says; every call ends
// with OK.
class ScriptedServer final : public v1::Federation::Service {
 public:
  using Script = std::function<void(int call, Writer* writer)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~ScriptedServer() override { server_->Shutdown(); }

  grpc::Status Tasks(grpc::ServerContext* /*context*/,
                     const v1::TasksRequest* request, Writer* writer) override {
    last_ = request->last_task_id();
    script_(calls_++, writer);
    return grpc::Status::OK;
  }

  std::unique_ptr<GrpcFederationApi> Client() {
    GrpcFederationApi::Options options;
    options.server = {"127.0.0.1", static_cast<std::uint16_t>(port_)};
    options.insecure_name = {"alice"};
    return GrpcFederationApi::Create(options, clock_).value();
  }
  int calls() const { return calls_; }
  // What the last call named as its last task; after that call's end.
  const std::string& last() const { return last_; }

 private:
  const Script script_;
  const SystemClock clock_;
  int port_ = 0;
  std::atomic<int> calls_ = 0;
  std::string last_;
  std::unique_ptr<grpc::Server> server_;
};

v1::TasksReply TaskOf(const std::string& id) {
  v1::TasksReply reply;
  reply.mutable_task()->set_id(id);
  return reply;
}

v1::TasksReply Finished() {
  v1::TasksReply reply = TaskOf("run/finished");
  reply.mutable_task()->mutable_finished()->set_model_id(std::string(32, 'x'));
  return reply;
}

TEST(GrpcTaskSourceTest, ATaskOfAnUnknownKindDoesNotEndTheStream) {
  ScriptedServer server([](int, Writer* writer) {
    writer->Write(TaskOf("run/1/key_exchange/alice"));
    writer->Write(Finished());
  });
  const auto client = server.Client();
  ASSERT_OK_AND_ASSIGN(const auto stream, client->OpenTasks({}));
  ASSERT_OK_AND_ASSIGN(const Task unknown, stream->Next());
  EXPECT_EQ(unknown.id.value, "run/1/key_exchange/alice");
  EXPECT_TRUE(std::holds_alternative<UnknownWork>(unknown.work));
  ASSERT_OK_AND_ASSIGN(const Task over, stream->Next());
  EXPECT_TRUE(std::holds_alternative<FinishedNotice>(over.work));
}

TEST(GrpcTaskSourceTest, ACallThatTheServerEndsIsOpenedAgainWithTheLastTask) {
  ScriptedServer server([](int call, Writer* writer) {
    writer->Write(call == 0 ? TaskOf("run/1/one") : Finished());
  });
  const auto client = server.Client();
  ASSERT_OK_AND_ASSIGN(const auto stream, client->OpenTasks({"run/0/zero"}));
  ASSERT_OK(stream->Next());
  ASSERT_OK(stream->Next());
  // After `finished` it is the end.
  EXPECT_THAT(stream->Next(),
              Fails(StatusCode::kUnavailable, HasSubstr("ended the stream")));
  EXPECT_EQ(server.calls(), 2);
  EXPECT_EQ(server.last(), "run/1/one");
}

TEST(GrpcTaskSourceTest, ACallThatBringsNothingIsLeftToTheCaller) {
  ScriptedServer server([](int, Writer*) {});
  const auto client = server.Client();
  ASSERT_OK_AND_ASSIGN(const auto stream, client->OpenTasks({}));
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(stream->Next(),
                Fails(StatusCode::kUnavailable, HasSubstr("ended the stream")));
  }
  EXPECT_EQ(server.calls(), 1);
}

}  // namespace
}  // namespace fedgap
