// What the server says to clients that do not keep to the protocol, and to
// those that do: calls made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/rpc/channel_options.h"
#include "common/rpc/status_conversion.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/join_wire.h"
#include "common/wire/limits.h"
#include "common/wire/task_wire.h"
#include "common/wire/update_wire.h"
#include "tests/server/rpc/running_server.h"
#include "tests/testing/fault_proxy.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

void NameClient(grpc::ClientContext& context, const std::string& name) {
  context.AddMetadata("fedgap-client", name);
}

// One client that keeps to nothing.
class ProtocolTest : public testing::Test {
 protected:
  using TaskReader = std::unique_ptr<grpc::ClientReader<v1::TasksReply>>;

  ProtocolTest() : server_({.min_clients = 1}), stub_(server_.Stub()) {}

  void SetUp() override {
    grpc::ClientContext context;
    NameClient(context, "alice");
    v1::JoinReply reply;
    ASSERT_TRUE(stub_->Join(&context, ToProto(JoinRequest{}), &reply).ok());
    NameClient(tasks_context_, "alice");
    // What does not come fails the test instead of holding it up.
    tasks_context_.set_deadline(std::chrono::system_clock::now() +
                                std::chrono::seconds(30));
    tasks_ = stub_->Tasks(&tasks_context_, {});
    v1::TasksReply message;
    ASSERT_TRUE(tasks_->Read(&message));
    ASSERT_OK_AND_ASSIGN(const auto task, FromProto(message));
    ASSERT_TRUE(task.has_value());
    update_ = server_.UpdateFor(*task);
    header_ = ToProto(HeaderOf(update_, server_.coordinator().layout_hash()));
  }
  void TearDown() override {
    if (tasks_ == nullptr) return;
    tasks_context_.TryCancel();
    tasks_->Finish();
  }

  std::span<const std::uint8_t> bytes() const {
    return {reinterpret_cast<const std::uint8_t*>(update_.delta.data()),
            update_.delta.size() * 4};
  }
  v1::UpdateChunk ChunkAt(std::size_t offset, std::size_t length) const {
    return ToProto(UpdateChunkView{static_cast<std::int64_t>(offset),
                                   bytes().subspan(offset, length)});
  }
  v1::UpdateChunk WholeUpdate() const { return ChunkAt(0, bytes().size()); }

  // Sends the messages, one after the other, and says how the call ended.
  Status Send(const std::vector<v1::SubmitRequest>& messages) {
    grpc::ClientContext context;
    NameClient(context, "alice");
    const auto stream = stub_->SubmitUpdate(&context);
    for (const v1::SubmitRequest& message : messages) {
      if (!stream->Write(message)) break;
    }
    stream->WritesDone();
    v1::SubmitReply reply;
    while (stream->Read(&reply)) replies_.push_back(reply);
    return FromGrpcStatus(stream->Finish());
  }
  // The round of which alice is the only member is void once her part in it
  // has ended without an update.
  void ExpectRejected(StatusCode code) {
    v1::TasksReply message;
    bool aborted = false;
    while (!aborted && tasks_->Read(&message)) {
      aborted = message.task().has_aborted();
    }
    EXPECT_TRUE(aborted) << "the server still waits";
    const auto events = server_.events().Of<UpdateRejectedEvent>();
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].client.value, "alice");
    EXPECT_EQ(events[0].code, absl::StatusCodeToString(code));
  }
  void ExpectNotRejected() {
    ASSERT_OK(Send({OfHeader(header_), OfChunk(WholeUpdate())}));
    EXPECT_TRUE(server_.events().Of<UpdateRejectedEvent>().empty());
  }
  Status SendHeader(const v1::UpdateHeader& header) {
    return Send({OfHeader(header)});
  }
  static v1::SubmitRequest OfHeader(const v1::UpdateHeader& header) {
    v1::SubmitRequest request;
    *request.mutable_header() = header;
    return request;
  }
  static v1::SubmitRequest OfChunk(const v1::UpdateChunk& chunk) {
    v1::SubmitRequest request;
    *request.mutable_chunk() = chunk;
    return request;
  }

  Status Fetch(const std::string& model_id, std::int64_t offset) {
    grpc::ClientContext context;
    NameClient(context, "alice");
    v1::FetchModelRequest request;
    request.set_model_id(model_id);
    request.set_offset(offset);
    const auto reader = stub_->FetchModel(&context, request);
    v1::ModelChunk chunk;
    while (reader->Read(&chunk)) {
    }
    return FromGrpcStatus(reader->Finish());
  }

  RunningServer server_;
  std::unique_ptr<v1::Federation::Stub> stub_;
  grpc::ClientContext tasks_context_;
  TaskReader tasks_;
  Update update_;
  v1::UpdateHeader header_;
  std::vector<v1::SubmitReply> replies_;
};

// With alice's certificate, but without having joined.
TEST_F(ProtocolTest, AnotherProgramDoesNotSpeakForTheClient) {
  const auto call = [this](const char* instance, const auto& make) {
    grpc::ClientContext context;
    NameClient(context, "alice");
    context.AddMetadata(kInstanceKey, instance);
    return FromGrpcStatus(make(context));
  };
  const auto tasks = [this](grpc::ClientContext& context) {
    return stub_->Tasks(&context, {})->Finish();
  };
  const auto submit = [this](grpc::ClientContext& context) {
    const auto stream = stub_->SubmitUpdate(&context);
    stream->Write(OfHeader(v1::UpdateHeader()));
    return stream->Finish();
  };
  const auto decline = [this](grpc::ClientContext& context) {
    v1::DeclineRequest request;
    request.set_task_id(update_.info.task.value);
    v1::DeclineReply reply;
    return stub_->Decline(&context, request, &reply);
  };
  const auto fetch = [this](grpc::ClientContext& context) {
    return stub_->FetchModel(&context, {})->Finish();
  };
  const auto is_refused =
      Fails(StatusCode::kAborted, HasSubstr("two programs use"));
  EXPECT_THAT(call("7", tasks), is_refused);
  EXPECT_THAT(call("7", submit), is_refused);
  EXPECT_THAT(call("7", decline), is_refused);
  EXPECT_THAT(call("7", fetch), is_refused);
  EXPECT_EQ(server_.events().Of<WarningEvent>().size(), 1U);
  EXPECT_THAT(call("seven", tasks), Fails(StatusCode::kInvalidArgument,
                                          HasSubstr("fedgap-instance")));
  // The first has its stream, and its part in the round.
  EXPECT_TRUE(server_.events().Of<ClientLeftEvent>().empty());
  ExpectNotRejected();
}

TEST_F(ProtocolTest, AnUpdateIsHeaderChunksVerdict) {
  ASSERT_OK(Send({OfHeader(header_), OfChunk(ChunkAt(0, 100)),
                  OfChunk(ChunkAt(100, bytes().size() - 100))}));
  ASSERT_EQ(replies_.size(), 2U);
  EXPECT_EQ(replies_[0].resume_from(), 0);
  EXPECT_EQ(replies_[1].verdict(), v1::VERDICT_ACCEPTED);
}

TEST_F(ProtocolTest, AWrongChecksumIsDataLossAndTheRestIsKept) {
  v1::UpdateChunk damaged = ChunkAt(100, 100);
  damaged.set_xxh3_64(damaged.xxh3_64() ^ 1);
  EXPECT_THAT(
      Send({OfHeader(header_), OfChunk(ChunkAt(0, 100)), OfChunk(damaged)}),
      Fails(StatusCode::kDataLoss, HasSubstr("byte 100")));
  replies_.clear();
  ASSERT_OK(
      Send({OfHeader(header_), OfChunk(ChunkAt(100, bytes().size() - 100))}));
  EXPECT_EQ(replies_[0].resume_from(), 100);
}

TEST_F(ProtocolTest, AWrongDigestIsDataLoss) {
  header_.mutable_vectors(0)->set_xxh3_128(std::string(16, 'x'));
  EXPECT_THAT(Send({OfHeader(header_), OfChunk(WholeUpdate())}),
              Fails(StatusCode::kDataLoss, HasSubstr("digest")));
  EXPECT_EQ(server_.server().staging().slots, 0);
  // The client sends it again.
  header_ = ToProto(HeaderOf(update_, server_.coordinator().layout_hash()));
  ExpectNotRejected();
}

TEST_F(ProtocolTest, AnOversizedChunkIsRefused) {
  v1::UpdateChunk chunk;
  chunk.set_data(std::string(kMaxUpdateChunkBytes + 1, 'x'));
  EXPECT_THAT(Send({OfHeader(header_), OfChunk(chunk)}),
              HasCode(StatusCode::kResourceExhausted));
  ExpectRejected(StatusCode::kResourceExhausted);
}

TEST_F(ProtocolTest, AnOversizedMessageIsRefused) {
  v1::UpdateChunk chunk;
  chunk.set_data(std::string(5 << 20, 'x'));
  EXPECT_THAT(Send({OfHeader(header_), OfChunk(chunk)}),
              HasCode(StatusCode::kResourceExhausted));
}

TEST_F(ProtocolTest, AChunkWithoutAHeaderIsRefused) {
  EXPECT_THAT(Send({OfChunk(WholeUpdate())}),
              Fails(StatusCode::kInvalidArgument, HasSubstr("one header")));
  ExpectRejected(StatusCode::kInvalidArgument);
}

TEST_F(ProtocolTest, ASecondHeaderIsRefused) {
  EXPECT_THAT(Send({OfHeader(header_), OfHeader(header_)}),
              HasCode(StatusCode::kInvalidArgument));
  ExpectRejected(StatusCode::kInvalidArgument);
}

TEST_F(ProtocolTest, AGapBetweenChunksIsRefused) {
  EXPECT_THAT(Send({OfHeader(header_), OfChunk(ChunkAt(4, 4))}),
              Fails(StatusCode::kInvalidArgument,
                    HasSubstr("at byte 4 came where byte 0")));
  ExpectRejected(StatusCode::kInvalidArgument);
}

TEST_F(ProtocolTest, AnEmptyMessageIsRefused) {
  EXPECT_THAT(Send({v1::SubmitRequest()}),
              HasCode(StatusCode::kInvalidArgument));
  ExpectRejected(StatusCode::kInvalidArgument);
}

TEST_F(ProtocolTest, BytesThatAreNoMessageAreRefused) {
  grpc::ClientContext context;
  NameClient(context, "alice");
  grpc::GenericStub anything(grpc::CreateChannel(
      server_.address().ToString(), grpc::InsecureChannelCredentials()));
  grpc::CompletionQueue queue;
  const auto call = anything.PrepareCall(
      &context, "/fedgap.v1.Federation/SubmitUpdate", &queue);
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  call->StartCall(nullptr);
  ASSERT_TRUE(wait());
  const grpc::Slice garbage("\xff\xff\xff\xff");
  call->WriteLast(grpc::ByteBuffer(&garbage, 1), grpc::WriteOptions(), nullptr);
  ASSERT_TRUE(wait());
  grpc::Status status;
  call->Finish(&status, nullptr);
  ASSERT_TRUE(wait());
  EXPECT_THAT(FromGrpcStatus(status),
              Fails(StatusCode::kInvalidArgument, HasSubstr("no message")));
  ExpectRejected(StatusCode::kInvalidArgument);
}

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
  ASSERT_OK(alice->FetchModel(task->base));
  EXPECT_OK(alice->SubmitUpdate(server.UpdateFor(*task)));
  EXPECT_TRUE(server.events().Of<WarningEvent>().empty());
}

TEST_F(ProtocolTest, ACompressedMessageIsRefused) {
  grpc::ClientContext context;
  NameClient(context, "alice");
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::LeaveReply reply;
  v1::LeaveRequest request;
  request.set_reason(std::string(500, 'x'));
  EXPECT_THAT(FromGrpcStatus(stub_->Leave(&context, request, &reply)),
              HasCode(StatusCode::kUnimplemented));
}

TEST_F(ProtocolTest, AnUpdateThatEndsHalfWayIsRefused) {
  EXPECT_THAT(Send({OfHeader(header_), OfChunk(ChunkAt(0, 100))}),
              Fails(StatusCode::kInvalidArgument, HasSubstr("last byte")));
  ExpectRejected(StatusCode::kInvalidArgument);
}

TEST_F(ProtocolTest, AnUpdateThatIsCutHalfWayMayComeAgain) {
  grpc::ClientContext context;
  NameClient(context, "alice");
  const auto stream = stub_->SubmitUpdate(&context);
  ASSERT_TRUE(stream->Write(OfHeader(header_)));
  v1::SubmitReply reply;
  ASSERT_TRUE(stream->Read(&reply));
  ASSERT_TRUE(stream->Write(OfChunk(ChunkAt(0, 100))));
  context.TryCancel();
  EXPECT_THAT(FromGrpcStatus(stream->Finish()),
              HasCode(StatusCode::kCancelled));

  grpc::ClientContext again;
  NameClient(again, "alice");
  const auto rest = stub_->SubmitUpdate(&again);
  ASSERT_TRUE(rest->Write(OfHeader(header_)));
  ASSERT_TRUE(rest->Read(&reply));
  const auto from = static_cast<std::size_t>(reply.resume_from());
  ASSERT_TRUE(rest->Write(OfChunk(ChunkAt(from, bytes().size() - from))));
  ASSERT_TRUE(rest->Read(&reply));
  EXPECT_EQ(reply.verdict(), v1::VERDICT_ACCEPTED);
  EXPECT_OK(FromGrpcStatus(rest->Finish()));
  EXPECT_TRUE(server_.events().Of<UpdateRejectedEvent>().empty());
}

TEST_F(ProtocolTest, MoreBytesThanAnnouncedAreRefused) {
  v1::UpdateChunk chunk = WholeUpdate();
  std::vector<std::uint8_t> longer(bytes().begin(), bytes().end());
  longer.push_back(0);
  EXPECT_THAT(
      Send({OfHeader(header_), OfChunk(ToProto(UpdateChunkView{0, longer}))}),
      HasCode(StatusCode::kInvalidArgument));
  ExpectRejected(StatusCode::kInvalidArgument);
}

TEST_F(ProtocolTest, AWrongLayoutHashEndsTheClientsPart) {
  header_.set_layout_hash(std::string(32, 'x'));
  EXPECT_THAT(SendHeader(header_),
              Fails(StatusCode::kInvalidArgument, HasSubstr("layout")));
  ExpectRejected(StatusCode::kInvalidArgument);
}

TEST_F(ProtocolTest, AnAbsurdClaimIsRefusedBeforeAnyByte) {
  header_.mutable_info()->mutable_counts(0)->set_samples(
      1'000'000'000'000'000'000);
  EXPECT_THAT(SendHeader(header_),
              Fails(StatusCode::kInvalidArgument, HasSubstr("counts.samples")));
  EXPECT_TRUE(replies_.empty());
  ExpectRejected(StatusCode::kInvalidArgument);
}

TEST_F(ProtocolTest, AnUnknownCodecIsRefused) {
  header_.mutable_vectors(0)->set_codec(static_cast<v1::Codec>(77));
  EXPECT_THAT(SendHeader(header_),
              Fails(StatusCode::kUnimplemented, HasSubstr("77")));
  ExpectRejected(StatusCode::kUnimplemented);
}

TEST_F(ProtocolTest, AnAbsurdClaimAboutAnotherTaskEndsNothing) {
  const v1::UpdateHeader good = header_;
  header_.set_task_id("another/task");
  header_.mutable_info()->mutable_counts(0)->set_samples(
      1'000'000'000'000'000'000);
  EXPECT_THAT(SendHeader(header_), HasCode(StatusCode::kInvalidArgument));
  header_ = good;
  ExpectNotRejected();
}

TEST_F(ProtocolTest, WhoDeclinesATaskIsNotWaitedFor) {
  v1::DeclineRequest request;
  request.set_task_id(header_.task_id());
  request.set_reason("I only evaluate");
  v1::DeclineReply reply;
  grpc::ClientContext context;
  NameClient(context, "alice");
  ASSERT_OK(FromGrpcStatus(stub_->Decline(&context, request, &reply)));
  ExpectRejected(StatusCode::kUnimplemented);
}

TEST_F(ProtocolTest, ADeclineNamesATask) {
  v1::DeclineReply reply;
  grpc::ClientContext context;
  NameClient(context, "alice");
  EXPECT_THAT(FromGrpcStatus(stub_->Decline(&context, {}, &reply)),
              Fails(StatusCode::kInvalidArgument, HasSubstr("task_id")));
}

TEST_F(ProtocolTest, FetchModelChecksItsRequest) {
  EXPECT_THAT(Fetch("short", 0), HasCode(StatusCode::kInvalidArgument));
  const std::string id = ModelIdToProto(update_.info.base);
  EXPECT_THAT(Fetch(id, 4), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Fetch(id, -1), HasCode(StatusCode::kInvalidArgument));
  EXPECT_THAT(Fetch(id, std::int64_t{1} << 40),
              HasCode(StatusCode::kInvalidArgument));
  EXPECT_OK(Fetch(id, std::ssize(bytes())));  // everything is there already
  EXPECT_THAT(Fetch(std::string(32, 'x'), 0), HasCode(StatusCode::kNotFound));
}

TEST_F(ProtocolTest, SilenceIsFilledWithHeartbeats) {
  server_.clock().Advance(std::chrono::seconds(20));
  v1::TasksReply message;
  ASSERT_TRUE(tasks_->Read(&message));
  EXPECT_TRUE(message.has_heartbeat());
}

// The server ends the stream by its age.
TEST_F(ProtocolTest, AStreamThatIsOpenedAgainInTimeIsNoDeparture) {
  server_.clock().Advance(std::chrono::minutes(30));
  v1::TasksReply message;
  while (tasks_->Read(&message)) {
  }
  ASSERT_OK(FromGrpcStatus(tasks_->Finish()));
  EXPECT_EQ(server_.coordinator().GetStatus().connected, 1);
  grpc::ClientContext context;
  NameClient(context, "alice");
  const auto again = stub_->Tasks(&context, {});
  ASSERT_TRUE(again->Read(&message));
  EXPECT_EQ(message.task().id(), header_.task_id());
  // Time enough for the end of the first to be noticed.
  server_.clock().Advance(std::chrono::seconds(40));
  ASSERT_TRUE(again->Read(&message));
  EXPECT_TRUE(message.has_heartbeat());
  EXPECT_EQ(server_.coordinator().GetStatus().connected, 1);
  EXPECT_TRUE(server_.events().Of<ClientLeftEvent>().empty());
  context.TryCancel();
  again->Finish();
  tasks_.reset();
}

TEST_F(ProtocolTest, AStreamThatIsNotOpenedAgainIsADeparture) {
  server_.clock().Advance(std::chrono::minutes(30));
  v1::TasksReply message;
  while (tasks_->Read(&message)) {
  }
  ASSERT_OK(FromGrpcStatus(tasks_->Finish()));
  tasks_.reset();
  // The clock starts when the server has seen the stream's end.
  while (server_.events().Of<ClientLeftEvent>().empty()) {
    server_.clock().Advance(std::chrono::seconds(1));
    std::this_thread::yield();
  }
  EXPECT_EQ(server_.coordinator().GetStatus().connected, 0);
  EXPECT_THAT(server_.events().Of<ClientLeftEvent>()[0].reason,
              HasSubstr("open its stream"));
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

// How a call of alice ends that has nothing to do.
Status CallOnce(v1::Federation::Stub& stub) {
  grpc::ClientContext context;
  NameClient(context, "alice");
  v1::LeaveReply reply;
  return FromGrpcStatus(stub.Leave(&context, {}, &reply));
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

TEST(CallLimitTest, ACallBeyondItIsRefusedAndTold) {
  RunningServer server({.limits = {.calls_per_second = 1, .open_calls = 3}});
  const auto stub = server.Stub();
  const auto leave = [&stub] { return CallOnce(*stub); };
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(leave(), HasCode(StatusCode::kNotFound));
  }
  for (int i = 0; i < 10; ++i) {
    EXPECT_THAT(leave(), Fails(StatusCode::kResourceExhausted,
                               HasSubstr("more than 1 calls a second")));
  }
  const auto warnings = server.events().Of<WarningEvent>();
  ASSERT_EQ(warnings.size(), 1U) << "however many there were";
  EXPECT_THAT(warnings[0].message, HasSubstr("alice makes more than 1 calls"));
  server.clock().Advance(std::chrono::seconds(1));
  EXPECT_THAT(leave(), HasCode(StatusCode::kNotFound));
}

// Its calls are refused before they count for the client, but they do cost.
TEST_F(ProtocolTest, AnotherProgramsUpdatesAreLimitedToo) {
  Status end;
  for (int i = 0; i < 2000 && !absl::IsResourceExhausted(end); ++i) {
    grpc::ClientContext context;
    NameClient(context, "alice");
    context.AddMetadata(kInstanceKey, "7");
    end = FromGrpcStatus(stub_->SubmitUpdate(&context)->Finish());
  }
  EXPECT_THAT(end, HasCode(StatusCode::kResourceExhausted));
  EXPECT_TRUE(server_.events().Of<UpdateRejectedEvent>().empty());
}

TEST_F(ProtocolTest, WithoutTlsACallerNamesItself) {
  for (const auto& [name, code] :
       {std::pair<std::string, StatusCode>{"", StatusCode::kUnauthenticated},
        {"a/b", StatusCode::kInvalidArgument}}) {
    grpc::ClientContext context;
    if (!name.empty()) NameClient(context, name);
    v1::JoinReply reply;
    EXPECT_THAT(
        FromGrpcStatus(stub_->Join(&context, ToProto(JoinRequest{}), &reply)),
        HasCode(code));
  }
}

TEST_F(ProtocolTest, LeaveIsForClientsThatJoined) {
  for (const auto& [name, code] :
       {std::pair<std::string, StatusCode>{"nobody", StatusCode::kNotFound},
        {"alice", StatusCode::kOk}}) {
    grpc::ClientContext context;
    NameClient(context, name);
    v1::LeaveReply reply;
    EXPECT_THAT(FromGrpcStatus(stub_->Leave(&context, {}, &reply)),
                HasCode(code));
  }
}

}  // namespace
}  // namespace fedgap
