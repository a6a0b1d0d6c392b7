#include "client/rpc/blocking_stream.h"

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "common/rpc/status_conversion.h"
#include "fedgap/v1/federation.grpc.pb.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;
using ServerStream =
    grpc::ServerReaderWriter<v1::SubmitReply, v1::SubmitRequest>;
using Call = BlockingStream<grpc::ByteBuffer, v1::SubmitReply>;

constexpr const char* kMethod = "/fedgap.v1.Federation/SubmitUpdate";

// Answers SubmitUpdate as the test says.
class UploadServer final : public v1::Federation::Service {
 public:
  using Script =
      std::function<grpc::Status(grpc::ServerContext*, ServerStream* stream)>;

  explicit UploadServer(Script script) : script_(std::move(script)) {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(),
                             &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~UploadServer() override { server_->Shutdown(); }

  grpc::Status SubmitUpdate(grpc::ServerContext* context,
                            ServerStream* stream) override {
    return script_(context, stream);
  }

  std::shared_ptr<grpc::Channel> Channel() const {
    return grpc::CreateChannel("127.0.0.1:" + std::to_string(port_),
                               grpc::InsecureChannelCredentials());
  }

 private:
  const Script script_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

grpc::ByteBuffer Chunk(std::int64_t offset, std::size_t bytes) {
  v1::SubmitRequest request;
  request.mutable_chunk()->set_offset(offset);
  request.mutable_chunk()->set_data(std::string(bytes, 'x'));
  const grpc::Slice slice(request.SerializeAsString());
  return {&slice, 1};
}

v1::SubmitReply ResumeFrom(std::int64_t offset) {
  v1::SubmitReply reply;
  reply.set_resume_from(offset);
  return reply;
}

TEST(BlockingStreamTest, MessagesGoBothWaysUntilTheLast) {
  UploadServer server([](grpc::ServerContext*, ServerStream* stream) {
    v1::SubmitRequest request;
    while (stream->Read(&request)) {
      stream->Write(ResumeFrom(request.chunk().offset()));
    }
    return grpc::Status::OK;
  });
  grpc::ClientContext context;
  Call stream(server.Channel(), &context, kMethod);
  v1::SubmitReply reply;
  for (const int offset : {1, 2}) {
    ASSERT_TRUE(stream.Write(Chunk(offset, 100000)));
    ASSERT_TRUE(stream.Read(&reply));
    EXPECT_EQ(reply.resume_from(), offset);
  }
  ASSERT_TRUE(stream.WriteLast(Chunk(3, 1)));
  ASSERT_TRUE(stream.Read(&reply));
  EXPECT_EQ(reply.resume_from(), 3);
  EXPECT_FALSE(stream.Read(&reply));
  EXPECT_OK(FromGrpcStatus(stream.Finish()));
}

TEST(BlockingStreamTest, WithoutAServerTheCallFails) {
  grpc::ClientContext context;
  // Nobody listens at port 1.
  Call stream(
      grpc::CreateChannel("127.0.0.1:1", grpc::InsecureChannelCredentials()),
      &context, kMethod);
  EXPECT_FALSE(stream.Write(Chunk(0, 1)));
  v1::SubmitReply reply;
  EXPECT_FALSE(stream.Read(&reply));
  EXPECT_THAT(FromGrpcStatus(stream.Finish()),
              HasCode(StatusCode::kUnavailable));
}

TEST(BlockingStreamTest, AServerThatEndsTheCallEarlyIsHeard) {
  UploadServer server([](grpc::ServerContext*, ServerStream*) {
    return grpc::Status(grpc::StatusCode::ABORTED, "enough");
  });
  grpc::ClientContext context;
  Call stream(server.Channel(), &context, kMethod);
  // More than any window holds.
  for (int i = 0; i < 1000; ++i) {
    if (!stream.Write(Chunk(0, 1 << 20))) break;
  }
  v1::SubmitReply reply;
  EXPECT_FALSE(stream.Read(&reply));
  EXPECT_THAT(FromGrpcStatus(stream.Finish()),
              Fails(StatusCode::kAborted, HasSubstr("enough")));
}

TEST(BlockingStreamTest, CancellingEndsAReadThatWaits) {
  UploadServer server([](grpc::ServerContext*, ServerStream* stream) {
    stream->Write(ResumeFrom(0));
    v1::SubmitRequest request;
    while (stream->Read(&request)) {
    }
    return grpc::Status::OK;
  });
  grpc::ClientContext context;
  Call stream(server.Channel(), &context, kMethod);
  v1::SubmitReply reply;
  ASSERT_TRUE(stream.Read(&reply));
  std::thread canceller([&context] { context.TryCancel(); });
  EXPECT_FALSE(stream.Read(&reply));
  canceller.join();
  EXPECT_THAT(FromGrpcStatus(stream.Finish()), HasCode(StatusCode::kCancelled));
}

}  // namespace
}  // namespace fedgap
