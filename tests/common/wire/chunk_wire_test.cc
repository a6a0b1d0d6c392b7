#include "common/wire/chunk_wire.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "common/federation/model_id.h"
#include "common/wire/limits.h"
#include "tests/common/wire/malformed_messages.h"

namespace fedgap {
namespace {

std::vector<std::uint8_t> SomeBytes(std::int64_t count) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  }
  return bytes;
}

// The second and last chunk of a model of 1 MiB + 12 bytes.
v1::ModelChunk LastModelChunk(const std::vector<std::uint8_t>& bytes) {
  return ToProto(ModelChunkView{.offset = kModelChunkBytes,
                                .total_bytes = kModelChunkBytes + 12,
                                .bytes = bytes,
                                .digest = Sha256Of(bytes)});
}

TEST(ModelChunkWireTest, ChunksComeBack) {
  const auto bytes = SomeBytes(12);
  const v1::ModelChunk proto = LastModelChunk(bytes);
  ASSERT_OK_AND_ASSIGN(const ModelChunkView chunk, FromProto(proto));
  EXPECT_EQ(chunk.offset, kModelChunkBytes);
  EXPECT_EQ(chunk.total_bytes, kModelChunkBytes + 12);
  EXPECT_TRUE(std::ranges::equal(chunk.bytes, bytes));
  EXPECT_EQ(chunk.digest, Sha256Of(bytes));
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
    const v1::UpdateChunk proto = ToProto(UpdateChunkView{77, bytes});
    ASSERT_OK_AND_ASSIGN(const UpdateChunkView chunk, FromProto(proto));
    EXPECT_EQ(chunk.offset, 77);
    EXPECT_TRUE(std::ranges::equal(chunk.bytes, bytes));
  }
}

TEST(UpdateChunkWireTest, MalformedChunksAreRefused) {
  using M = v1::UpdateChunk;
  const auto bytes = SomeBytes(100);
  ExpectRefused<M>(
      ToProto(UpdateChunkView{0, bytes}),
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
