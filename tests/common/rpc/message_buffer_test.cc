#include "common/rpc/message_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fedgap/v1/federation.pb.h"
#include "tests/testing/joined.h"

namespace fedgap {
namespace {

std::string TextOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  EXPECT_TRUE(buffer.Dump(&slices).ok());
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(slice.begin(), slice.end());
  }
  return text;
}

constexpr std::array kData = {int{v1::ModelChunk::kDataFieldNumber}};
constexpr std::array kChunkData = {int{v1::SubmitRequest::kChunkFieldNumber},
                                   int{v1::UpdateChunk::kDataFieldNumber}};

// The text as a network may bring it: in slices of 1, 2, 3, ... bytes. gRPC
// keeps the short ones within the slice, the others elsewhere.
grpc::ByteBuffer InSlices(std::string_view text) {
  std::vector<grpc::Slice> slices;
  for (std::size_t length = 1; !text.empty(); ++length) {
    slices.emplace_back(std::string(text.substr(0, length)));
    text.remove_prefix(std::min(length, text.size()));
  }
  return {slices.data(), slices.size()};
}

v1::SubmitRequest ChunkOf(std::string data) {
  v1::SubmitRequest request;
  request.mutable_chunk()->set_offset(1 << 20);
  request.mutable_chunk()->set_data(std::move(data));
  request.mutable_chunk()->set_xxh3_64(0x0123456789ABCDEF);
  return request;
}

v1::ModelChunk Head() {
  v1::ModelChunk head;
  head.set_offset(1 << 20);
  head.set_total_bytes(3 << 20);
  head.set_sha256("digest");
  return head;
}

TEST(MessageBufferTest, IsTheMessageWithTheField) {
  for (const std::size_t size : {0, 1, 127, 128, 16384, 1 << 20}) {
    const auto bytes =
        std::make_shared<const std::vector<std::uint8_t>>(size, 'x');
    const grpc::ByteBuffer buffer =
        MessageWithBytes(Head(), kData, *bytes, bytes);
    v1::ModelChunk message;
    ASSERT_TRUE(message.ParseFromString(TextOf(buffer))) << size;
    v1::ModelChunk wanted = Head();
    wanted.set_data(bytes->data(), bytes->size());
    EXPECT_EQ(message.SerializeAsString(), wanted.SerializeAsString()) << size;
    EXPECT_EQ(buffer.Length(), wanted.ByteSizeLong() + (size == 0 ? 2 : 0));
  }
}

TEST(MessageBufferTest, BorrowsTheBytesAndKeepsTheirOwner) {
  auto bytes = std::make_shared<const std::vector<std::uint8_t>>(100000, 'x');
  const std::uint8_t* const begin = bytes->data();
  const std::weak_ptr<const void> owner = bytes;
  {
    grpc::ByteBuffer buffer = MessageWithBytes(Head(), kData, *bytes, bytes);
    bytes.reset();
    EXPECT_FALSE(owner.expired());
    std::vector<grpc::Slice> slices;
    ASSERT_TRUE(buffer.Dump(&slices).ok());
    EXPECT_EQ(slices.back().begin(), begin);
  }
  EXPECT_TRUE(owner.expired());
}

TEST(MessageBufferTest, TheFieldMayStandInAnInnerMessageAndBeCopied) {
  for (const std::size_t size : {0, 1, 127, 128, 16384, 1 << 20}) {
    const v1::SubmitRequest wanted = ChunkOf(std::string(size, 'x'));
    v1::UpdateChunk rest = wanted.chunk();
    rest.clear_data();
    std::vector<std::uint8_t> bytes(size, 'x');
    const grpc::ByteBuffer buffer =
        MessageWithBytes(rest, kChunkData, bytes, /*owner=*/nullptr);
    std::ranges::fill(bytes, 'y');
    v1::SubmitRequest message;
    ASSERT_TRUE(message.ParseFromString(TextOf(buffer))) << size;
    EXPECT_EQ(message.SerializeAsString(), wanted.SerializeAsString()) << size;
  }
}

TEST(SplitMessageTest, LeavesTheFieldWhereItStands) {
  for (const std::size_t size : {1, 23, 24, 127, 128, 16384, 1 << 20}) {
    std::string data(size, 'x');
    for (std::size_t i = 0; i < size; ++i) {
      data[i] = static_cast<char>(i * 7 + i / 256);
    }
    v1::SubmitRequest message = ChunkOf(data);
    grpc::ByteBuffer buffer = InSlices(message.SerializeAsString());
    v1::UpdateChunk rest;
    BytePieces bytes;
    ASSERT_TRUE(SplitMessage(buffer, kChunkData, rest, bytes)) << size;
    EXPECT_EQ(Joined(bytes), data);
    message.mutable_chunk()->clear_data();
    EXPECT_EQ(rest.SerializeAsString(), message.chunk().SerializeAsString());
    EXPECT_EQ(buffer.Length(), ChunkOf(data).ByteSizeLong());
    // It may be read again, by anybody.
    BytePieces again;
    EXPECT_TRUE(SplitMessage(buffer, kChunkData, rest, again));
    EXPECT_EQ(Joined(again), data);
  }
}

TEST(SplitMessageTest, OtherFieldsMayStandAnywhereAndBeUnknown) {
  v1::ModelChunk first, last;
  first.set_total_bytes(12);
  last.set_offset(4);
  const std::string unknown("\x7A\x02hi", 4);  // field 15
  const std::string data(
      "\x12\x03"
      "abc",
      5);
  grpc::ByteBuffer buffer = InSlices(first.SerializeAsString() + unknown +
                                     data + last.SerializeAsString());
  v1::ModelChunk rest;
  BytePieces bytes;
  ASSERT_TRUE(SplitMessage(buffer, kData, rest, bytes));
  EXPECT_EQ(Joined(bytes), "abc");
  EXPECT_EQ(rest.offset(), 4);
  EXPECT_EQ(rest.total_bytes(), 12);
  EXPECT_NE(rest.SerializeAsString().find(unknown), std::string::npos);
}

TEST(SplitMessageTest, WhatIsNotSuchAMessageIsLeftToItsParser) {
  const std::string chunk = ChunkOf("abc").SerializeAsString();
  v1::SubmitRequest header;
  header.mutable_header()->set_task_id("task");
  v1::SubmitRequest no_data = ChunkOf("");
  const std::string inner = ChunkOf("abc").chunk().SerializeAsString();
  const std::string twice = inner + inner;
  std::string repeated = "\x12";
  repeated += static_cast<char>(twice.size());
  for (const std::string& text :
       {std::string(), header.SerializeAsString(), no_data.SerializeAsString(),
        chunk + chunk, chunk + header.SerializeAsString(), chunk + "\x7A\x01x",
        chunk.substr(0, chunk.size() - 1), chunk + "x", repeated + twice,
        std::string("\x12\xFF\xFF\xFF\xFF\x0F", 6),
        std::string("\x12\x05\x12\xFF\xFF\xFF\x0F", 7),
        std::string("\x12\x02\x0C\x00", 4),
        // Numbers in more bytes than they need, and than their parser takes.
        std::string("\x12\x09\x12\x83\x80\x80\x80\x10"
                    "abc",
                    11),
        std::string("\x12\x86\x00\x12\x03"
                    "abc\x08",
                    9),
        std::string("\x12\x09\x8A\x80\x80\x80\x10\x01\x12\x01"
                    "a",
                    11)}) {
    grpc::ByteBuffer buffer = InSlices(text);
    v1::UpdateChunk rest;
    BytePieces bytes;
    EXPECT_FALSE(SplitMessage(buffer, kChunkData, rest, bytes))
        << testing::PrintToString(text);
  }
  grpc::ByteBuffer none;
  v1::UpdateChunk rest;
  BytePieces bytes;
  EXPECT_FALSE(SplitMessage(none, kChunkData, rest, bytes));
}

}  // namespace
}  // namespace fedgap
