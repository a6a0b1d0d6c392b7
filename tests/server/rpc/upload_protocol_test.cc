// Uploads that break the rules, message by message.
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/rpc/blocking_stream.h"
#include "common/rpc/status_conversion.h"
#include "common/wire/chunk_wire.h"
#include "common/wire/limits.h"
#include "common/wire/update_wire.h"
#include "tests/server/rpc/protocol_fixture.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

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
      Send({OfHeader(header_),
            OfChunk(ToProto(UpdateChunkView{0, BytePieces::Piece(longer)}))}),
      HasCode(StatusCode::kInvalidArgument));
  ExpectRejected(StatusCode::kInvalidArgument);
}

// As another program may write it: with what this version does not know.
TEST_F(ProtocolTest, AChunkWithUnknownFieldsCounts) {
  v1::SubmitRequest outer = OfChunk(ChunkAt(0, 100));
  outer.GetReflection()->MutableUnknownFields(&outer)->AddVarint(15, 1);
  v1::SubmitRequest inner = OfChunk(ChunkAt(100, bytes().size() - 100));
  v1::UpdateChunk& chunk = *inner.mutable_chunk();
  chunk.GetReflection()->MutableUnknownFields(&chunk)->AddVarint(15, 1);
  ASSERT_OK(Send({OfHeader(header_), outer, inner}));
  ASSERT_EQ(replies_.size(), 2u);
  EXPECT_EQ(replies_[1].verdict(), v1::VERDICT_ACCEPTED);
}

TEST_F(ProtocolTest, BytesThatAreNoChunkAreRefused) {
  grpc::ClientContext context;
  NameClient(context, "alice");
  BlockingStream<grpc::ByteBuffer, v1::SubmitReply> stream(
      server_.Channel(), &context, "/fedgap.v1.Federation/SubmitUpdate");
  const auto write = [&stream](const std::string& text) {
    const grpc::Slice slice(text);
    return stream.Write({&slice, 1});
  };
  ASSERT_TRUE(write(OfHeader(header_).SerializeAsString()));
  v1::SubmitReply reply;
  ASSERT_TRUE(stream.Read(&reply));
  ASSERT_TRUE(write("\x12\x05oops!"));
  EXPECT_FALSE(stream.Read(&reply));
  EXPECT_THAT(FromGrpcStatus(stream.Finish()),
              Fails(StatusCode::kInvalidArgument, HasSubstr("no message")));
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

}  // namespace
}  // namespace fedgap
