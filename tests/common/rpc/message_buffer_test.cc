#include "common/rpc/message_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fedgap/v1/federation.pb.h"

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
    const grpc::ByteBuffer buffer = MessageWithBytes(
        Head(), v1::ModelChunk::kDataFieldNumber, *bytes, bytes);
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
    grpc::ByteBuffer buffer = MessageWithBytes(
        Head(), v1::ModelChunk::kDataFieldNumber, *bytes, bytes);
    bytes.reset();
    EXPECT_FALSE(owner.expired());
    std::vector<grpc::Slice> slices;
    ASSERT_TRUE(buffer.Dump(&slices).ok());
    EXPECT_EQ(slices.back().begin(), begin);
  }
  EXPECT_TRUE(owner.expired());
}

}  // namespace
}  // namespace fedgap
