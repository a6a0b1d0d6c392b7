// What the server says to clients that do not keep to the protocol, and to
// those that do: calls made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "common/rpc/channel_options.h"
#include "common/rpc/status_conversion.h"
#include "common/wire/join_wire.h"
#include "common/wire/task_wire.h"
#include "tests/server/rpc/protocol_fixture.h"
#include "tests/server/rpc/running_server.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

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
