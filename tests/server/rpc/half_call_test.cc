// Calls that begin and do not go on: what the server waits for, and how long.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "common/rpc/status_conversion.h"
#include "common/wire/task_wire.h"
#include "tests/server/rpc/protocol_fixture.h"
#include "tests/server/rpc/running_server.h"
#include "tests/testing/fault_proxy.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// A call of any method by hand: it begins with its headers, and its message
// comes when the test says so.
class HalfCall {
 public:
  HalfCall(int port, const std::string& method, const std::string& name)
      : stub_(grpc::CreateChannel(fmt::format("127.0.0.1:{}", port),
                                  grpc::InsecureChannelCredentials())) {
    if (!name.empty()) NameClient(context_, name);
    // What does not come fails the test instead of holding it up.
    context_.set_deadline(std::chrono::system_clock::now() +
                          std::chrono::seconds(30));
    call_ = stub_.PrepareCall(&context_, "/fedgap.v1." + method, &queue_);
    call_->StartCall(nullptr);
    Wait();
  }
  ~HalfCall() {
    context_.TryCancel();
    if (!is_over_) End().IgnoreError();
  }
  HalfCall(const HalfCall&) = delete;
  HalfCall& operator=(const HalfCall&) = delete;

  void Send(const std::string& message) {
    const grpc::Slice slice(message);
    call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    Wait();
  }
  // How the server ends the call.
  Status End() {
    is_over_ = true;
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Wait();
    return FromGrpcStatus(status);
  }

 private:
  void Wait() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue_.Next(&tag, &ok));
  }

  grpc::ClientContext context_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
  bool is_over_ = false;
};

TEST_F(ProtocolTest, WhoIsRefusedIsToldBeforeAnyMessage) {
  for (const char* method :
       {"Join", "Tasks", "FetchModel", "SubmitUpdate", "Decline", "Leave"}) {
    HalfCall call(server_.server().port(), fmt::format("Federation/{}", method),
                  "");
    EXPECT_THAT(call.End(), HasCode(StatusCode::kUnauthenticated)) << method;
  }
}

TEST_F(ProtocolTest, ACallWhoseMessageDoesNotComeIsEnded) {
  for (const char* method : {"Federation/Join", "Federation/Tasks",
                             "Federation/FetchModel", "Admin/Status"}) {
    HalfCall call(server_.server().port(), method, "bob");
    std::atomic<bool> is_over = false;
    // The call may not have begun yet when the clock is put on.
    std::thread time([&] {
      while (!is_over) {
        server_.clock().Advance(std::chrono::seconds(10));
        std::this_thread::yield();
      }
    });
    const Status end = call.End();
    is_over = true;
    time.join();
    EXPECT_TRUE(absl::IsUnavailable(end) || absl::IsCancelled(end))
        << method << ": " << end;
  }
}

TEST(HalfCallTest, ACallWithoutItsMessageIsOpen) {
  RunningServer server({.limits = {.calls_per_second = 0, .open_calls = 1}});
  const HalfCall call(server.server().port(), "Federation/Join", "alice");
  const auto stub = server.Stub();
  Status status;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!absl::IsResourceExhausted(status) &&
         std::chrono::steady_clock::now() < end) {
    grpc::ClientContext context;
    NameClient(context, "alice");
    v1::LeaveReply reply;
    status = FromGrpcStatus(stub->Leave(&context, {}, &reply));
  }
  EXPECT_THAT(status, Fails(StatusCode::kResourceExhausted,
                            HasSubstr("has 1 calls open")));
}

// gRPC has no limit of its own before a message is whole.
TEST(HalfCallTest, AConnectionThatSendsWhatNobodyAskedForIsShutDown) {
  RunningServer server(
      {.connections = {.unread_bytes_of_connection = 1 << 20}});
  // The message would take 20 s.
  FaultProxy slow(server.server().port(), [](int) {
    return NetworkFault{.bytes_per_second = 4 << 20};
  });
  HalfCall call(slow.port(), "Federation/Join", "mallory");
  call.Send(std::string(80 << 20, 'x'));
  EXPECT_THAT(call.End(), HasCode(StatusCode::kUnavailable));
  EXPECT_LT(slow.bytes_up(), 20 << 20);
  const auto warnings = server.events().Of<WarningEvent>();
  ASSERT_FALSE(warnings.empty());
  EXPECT_THAT(warnings[0].message, HasSubstr("no whole message"));
}

TEST(HalfCallTest, ALongUploadIsNoReasonToShutDown) {
  // 6 MB of update through a connection that may leave 2 MiB unread.
  RunningServer server(
      {.width = 128, .connections = {.unread_bytes_of_connection = 2 << 20}});
  FaultProxy slow(server.server().port(), [](int) {
    return NetworkFault{.bytes_per_second = 8 << 20};
  });
  const auto alice = server.Client("alice", slow.port());
  ASSERT_OK(alice->Join(RunningServer::Holding(10)));
  ASSERT_OK_AND_ASSIGN(const auto tasks, alice->OpenTasks({}));
  StatusOr<Task> task = tasks->Next();
  ASSERT_OK(task);
  ASSERT_OK(alice->FetchModel(task->base, {}));
  EXPECT_OK(alice->SubmitUpdate(server.UpdateFor(*task)));
  EXPECT_TRUE(server.events().Of<WarningEvent>().empty());
}

TEST_F(ProtocolTest, AClientThatStallsLosesItsConnection) {
  grpc::ClientContext context;
  NameClient(context, "alice");
  const auto stream = stub_->SubmitUpdate(&context);
  ASSERT_TRUE(stream->Write(OfHeader(header_)));
  v1::SubmitReply reply;
  ASSERT_TRUE(stream->Read(&reply));
  server_.clock().Advance(std::chrono::seconds(60));
  EXPECT_FALSE(stream->Read(&reply));
  EXPECT_THAT(FromGrpcStatus(stream->Finish()),
              Fails(StatusCode::kUnavailable, HasSubstr("nothing arrived")));
}

TEST(SlowReaderTest, ADownloadThatNobodyReadsIsEnded) {
  // 6 MB: more than a connection takes without a reader. While the download is
  // open, it is the one call that alice may have.
  RunningServer server(
      {.width = 128, .limits = {.calls_per_second = 0, .open_calls = 1}});
  grpc::ClientContext context;
  NameClient(context, "alice");
  v1::FetchModelRequest request;
  request.set_model_id(ModelIdToProto(server.coordinator().GetStatus().model));
  const auto stub = server.Stub();
  const auto reader = stub->FetchModel(&context, request);
  reader->WaitForInitialMetadata();
  server.clock().Advance(std::chrono::minutes(4));
  EXPECT_THAT(CallOnce(*stub), HasCode(StatusCode::kResourceExhausted));
  while (absl::IsResourceExhausted(CallOnce(*stub))) {
    server.clock().Advance(std::chrono::seconds(10));
  }
  context.TryCancel();
  reader->Finish();
}

}  // namespace
}  // namespace fedgap
