#include "client/rpc/model_download.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

// A model of a whole chunk and a short one.
class ModelDownloadTest : public testing::Test {
 protected:
  ModelDownloadTest() : values_(kModelChunkBytes / 4 + 3) {
    for (std::size_t i = 0; i < values_.size(); ++i) {
      values_[i] = static_cast<float>(i);
    }
    layout_hash_.fill(9);
    digest_ = DigestModel(layout_hash_, values_);
  }

  std::int64_t size() const { return std::ssize(values_) * 4; }
  ModelChunkView Chunk(std::int64_t index) const {
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(values_.data()),
                          values_.size() * 4);
    const std::int64_t offset = index * kModelChunkBytes;
    const auto part = bytes.subspan(
        static_cast<std::size_t>(offset),
        static_cast<std::size_t>(std::min(kModelChunkBytes, size() - offset)));
    return {offset, size(), part, Sha256Of(part)};
  }

  std::vector<float> values_;
  Sha256Digest layout_hash_{};
  ModelDigest digest_;
};

TEST_F(ModelDownloadTest, ChunksMakeTheModel) {
  ModelDownload download(digest_.id, layout_hash_, size());
  ASSERT_OK(download.Add(Chunk(0)));
  EXPECT_EQ(download.offset(), kModelChunkBytes);
  ASSERT_OK(download.Add(Chunk(1)));
  ASSERT_OK_AND_ASSIGN(const Parameters parameters, download.Take());
  EXPECT_TRUE(std::ranges::equal(parameters, values_));
}

TEST_F(ModelDownloadTest, WritesOverAModelThatIsAsLong) {
  for (const std::size_t more : {0, 1}) {
    Parameters memory(values_.size() + more, -1.0F);
    const float* const before = memory.data();
    ModelDownload download(digest_.id, layout_hash_, size(), std::move(memory));
    ASSERT_OK(download.Add(Chunk(0)));
    ASSERT_OK(download.Add(Chunk(1)));
    ASSERT_OK_AND_ASSIGN(const Parameters parameters, download.Take());
    EXPECT_TRUE(std::ranges::equal(parameters, values_));
    EXPECT_EQ(parameters.data() == before, more == 0);
  }
}

TEST_F(ModelDownloadTest, AModelThatEndsEarlyIsDataLoss) {
  ModelDownload download(digest_.id, layout_hash_, size());
  ASSERT_OK(download.Add(Chunk(0)));
  EXPECT_THAT(download.Take(), Fails(StatusCode::kDataLoss,
                                     HasSubstr("ended after 1048576 bytes")));
  EXPECT_EQ(download.offset(), 0);
}

TEST_F(ModelDownloadTest, AnotherModelIsDataLoss) {
  ModelId other = digest_.id;
  other.digest[0] ^= 1;
  ModelDownload download(other, layout_hash_, size());
  ASSERT_OK(download.Add(Chunk(0)));
  ASSERT_OK(download.Add(Chunk(1)));
  EXPECT_THAT(download.Take(),
              Fails(StatusCode::kDataLoss, HasSubstr("the server sent")));
}

TEST_F(ModelDownloadTest, ChunksOutOfOrderAreRefused) {
  ModelDownload download(digest_.id, layout_hash_, size());
  EXPECT_THAT(download.Add(Chunk(1)), HasCode(StatusCode::kInvalidArgument));
  ASSERT_OK(download.Add(Chunk(0)));
  EXPECT_THAT(download.Add(Chunk(0)), HasCode(StatusCode::kInvalidArgument));
  ModelChunkView longer = Chunk(1);
  longer.total_bytes += 4;
  ModelDownload roomy(digest_.id, layout_hash_, size() + 4);
  ASSERT_OK(roomy.Add(Chunk(0)));
  EXPECT_THAT(roomy.Add(longer), HasCode(StatusCode::kInvalidArgument));
}

TEST_F(ModelDownloadTest, AModelLargerThanTheRunsIsRefused) {
  ModelDownload download(digest_.id, layout_hash_, size() - 4);
  EXPECT_THAT(download.Add(Chunk(0)), HasCode(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace fedgap
