#include "common/wire/chunk_wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <vector>

#include "common/federation/model_id.h"
#include "common/wire/limits.h"
#include "tests/common/wire/malformed_messages.h"
#include "tests/testing/joined.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

std::vector<std::uint8_t> SomeBytes(std::int64_t count) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  }
  return bytes;
}

// In pieces of 1, 2, 3, ... bytes.
BytePieces InPieces(std::span<const std::uint8_t> bytes) {
  BytePieces pieces;
  for (std::size_t length = 1; !bytes.empty(); ++length) {
    pieces.Add(bytes.first(std::min(length, bytes.size())));
    bytes = bytes.subspan(std::min(length, bytes.size()));
  }
  return pieces;
}

// The second and last chunk of a model of 1 MiB + 12 bytes.
v1::ModelChunk LastModelChunk(const std::vector<std::uint8_t>& bytes) {
  return ToProto(ModelChunkView{.offset = kModelChunkBytes,
                                .total_bytes = kModelChunkBytes + 12,
                                .bytes = BytePieces::Piece(bytes),
                                .digest = Sha256Of(bytes)});
}

TEST(ModelChunkWireTest, ChunksComeBack) {
  const auto bytes = SomeBytes(12);
  const v1::ModelChunk proto = LastModelChunk(bytes);
  ASSERT_OK_AND_ASSIGN(const ModelChunkView chunk, FromProto(proto));
  EXPECT_EQ(chunk.offset, kModelChunkBytes);
  EXPECT_EQ(chunk.total_bytes, kModelChunkBytes + 12);
  EXPECT_EQ(Joined(chunk.bytes), Joined(BytePieces::Piece(bytes)));
  EXPECT_EQ(chunk.digest, Sha256Of(bytes));
}

TEST(ModelChunkWireTest, TheBytesMayStandElsewhereInPieces) {
  auto bytes = SomeBytes(12);
  v1::ModelChunk head = LastModelChunk(bytes);
  head.clear_data();
  ASSERT_OK_AND_ASSIGN(const ModelChunkView chunk,
                       FromProto(head, InPieces(bytes)));
  EXPECT_EQ(Joined(chunk.bytes), Joined(BytePieces::Piece(bytes)));
  EXPECT_EQ(ToProto(chunk).SerializeAsString(),
            LastModelChunk(bytes).SerializeAsString());
  EXPECT_THAT(FromProto(head),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("0 bytes")));
  bytes[5] ^= 1;
  EXPECT_THAT(FromProto(head, InPieces(bytes)),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST(ModelChunkWireTest, MalformedChunksAreRefused) {
  using M = v1::ModelChunk;
  ExpectRefused<M>(
      LastModelChunk(SomeBytes(12)),
      {
          {"no total", [](M& m) { m.clear_total_bytes(); }, "total_bytes"},
          {"total of half a float",
           [](M& m) {
             m.set_total_bytes(kModelChunkBytes + 10);
             m.mutable_data()->resize(10);
           },
           "whole number of float32"},
          {"offset within a chunk", [](M& m) { m.set_offset(4); },
           "multiple of 1 MiB"},
          {"offset at the end",
           [](M& m) { m.set_offset(kModelChunkBytes + 12); }, "offset"},
          {"negative offset", [](M& m) { m.set_offset(-4); }, "offset"},
          {"short data", [](M& m) { m.mutable_data()->resize(8); },
           "has 8 bytes where 12 belong"},
          {"short digest", [](M& m) { m.set_sha256("x"); }, "sha256"},
          {"a flipped bit", [](M& m) { (*m.mutable_data())[3] ^= 1; },
           "does not match its SHA-256", absl::StatusCode::kDataLoss},
      },
      [](const M& m) { return FromProto(m); });
}

TEST(UpdateChunkWireTest, ChunksOfEveryAllowedSizeComeBack) {
  for (const std::int64_t size : {std::int64_t{1}, kMaxUpdateChunkBytes}) {
    const auto bytes = SomeBytes(size);
    const v1::UpdateChunk proto =
        ToProto(UpdateChunkView{77, BytePieces::Piece(bytes)});
    ASSERT_OK_AND_ASSIGN(const UpdateChunkView chunk, FromProto(proto));
    EXPECT_EQ(chunk.offset, 77);
    EXPECT_EQ(Joined(chunk.bytes), Joined(BytePieces::Piece(bytes)));
  }
}

TEST(UpdateChunkWireTest, TheBytesMayStandElsewhereInPieces) {
  auto bytes = SomeBytes(100000);
  const UpdateChunkView sent{77, BytePieces::Piece(bytes)};
  const v1::UpdateChunk head = HeadToProto(sent);
  EXPECT_TRUE(head.data().empty());
  ASSERT_OK_AND_ASSIGN(const UpdateChunkView chunk,
                       FromProto(head, InPieces(bytes)));
  EXPECT_EQ(chunk.offset, 77);
  EXPECT_EQ(ToProto(chunk).SerializeAsString(),
            ToProto(sent).SerializeAsString());
  bytes[77777] ^= 1;
  EXPECT_THAT(FromProto(head, InPieces(bytes)),
              HasCode(absl::StatusCode::kDataLoss));
}

TEST(UpdateChunkWireTest, MalformedChunksAreRefused) {
  using M = v1::UpdateChunk;
  const auto bytes = SomeBytes(100);
  ExpectRefused<M>(
      ToProto(UpdateChunkView{0, BytePieces::Piece(bytes)}),
      {
          {"empty", [](M& m) { m.clear_data(); }, "data is empty"},
          {"negative offset", [](M& m) { m.set_offset(-1); }, "offset is -1"},
          {"a flipped bit", [](M& m) { (*m.mutable_data())[99] ^= 0x40; },
           "does not match its checksum", absl::StatusCode::kDataLoss},
          {"oversized",
           [](M& m) { m.mutable_data()->resize(kMaxUpdateChunkBytes + 1); },
           "at most 1048576", absl::StatusCode::kResourceExhausted},
      },
      [](const M& m) { return FromProto(m); });
}

}  // namespace
}  // namespace fedgap
