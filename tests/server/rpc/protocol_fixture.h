// A client whose calls are made by hand, message by message.
#ifndef FEDGAP_TESTS_SERVER_RPC_PROTOCOL_FIXTURE_H_
#define FEDGAP_TESTS_SERVER_RPC_PROTOCOL_FIXTURE_H_

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/rpc/status_conversion.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/join_wire.h"
#include "common/wire/task_wire.h"
#include "common/wire/update_wire.h"
#include "tests/server/rpc/running_server.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {

inline void NameClient(grpc::ClientContext& context, const std::string& name) {
  context.AddMetadata("fedgap-client", name);
}

// How a call of alice ends that has nothing to do.
inline Status CallOnce(v1::Federation::Stub& stub) {
  grpc::ClientContext context;
  NameClient(context, "alice");
  v1::LeaveReply reply;
  return FromGrpcStatus(stub.Leave(&context, {}, &reply));
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
  void ExpectRejected(absl::StatusCode code) {
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

}  // namespace fedgap

#endif  // FEDGAP_TESTS_SERVER_RPC_PROTOCOL_FIXTURE_H_
