#include "common/data/batch_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace fedgap {
namespace {

using ::testing::ElementsAre;

std::vector<std::vector<std::uint32_t>> AllBatches(
    const BatchSampler::Options& options) {
  BatchSampler sampler(options);
  std::vector<std::vector<std::uint32_t>> batches;
  for (auto batch = sampler.Next(); !batch.empty(); batch = sampler.Next()) {
    batches.emplace_back(batch.begin(), batch.end());
  }
  EXPECT_EQ(static_cast<std::int64_t>(batches.size()), sampler.total_steps());
  return batches;
}

std::vector<std::size_t> Sizes(const BatchSampler::Options& options) {
  std::vector<std::size_t> sizes;
  for (const auto& batch : AllBatches(options)) sizes.push_back(batch.size());
  return sizes;
}

TEST(BatchSamplerTest, KeepsTheShortLastBatch) {
  EXPECT_THAT(Sizes({.samples = 10, .batch_size = 4, .epochs = 2}),
              ElementsAre(4, 4, 2, 4, 4, 2));
  EXPECT_THAT(Sizes({.samples = 8, .batch_size = 4}), ElementsAre(4, 4));
  EXPECT_THAT(Sizes({.samples = 1, .batch_size = 32}), ElementsAre(1));
}

TEST(BatchSamplerTest, EveryEpochIsAPermutation) {
  const auto batches =
      AllBatches({.samples = 50, .batch_size = 7, .epochs = 3});
  std::vector<std::vector<std::uint32_t>> epochs(3);
  for (std::size_t b = 0; b < batches.size(); ++b) {
    auto& epoch = epochs[b / 8];
    epoch.insert(epoch.end(), batches[b].begin(), batches[b].end());
  }
  EXPECT_NE(epochs[0], epochs[1]);
  EXPECT_NE(epochs[1], epochs[2]);
  for (auto& epoch : epochs) {
    std::sort(epoch.begin(), epoch.end());
    for (std::uint32_t i = 0; i < 50; ++i) EXPECT_EQ(epoch[i], i);
  }
}

TEST(BatchSamplerTest, StepsCycleThroughEpochs) {
  EXPECT_THAT(Sizes({.samples = 10, .batch_size = 4, .steps = 5}),
              ElementsAre(4, 4, 2, 4, 4));
  EXPECT_THAT(Sizes({.samples = 10, .batch_size = 4, .steps = 1}),
              ElementsAre(4));
  // The same batches as whole epochs, for as long as they last.
  EXPECT_EQ(AllBatches({.samples = 10, .batch_size = 4, .steps = 6}),
            AllBatches({.samples = 10, .batch_size = 4, .epochs = 2}));
}

TEST(BatchSamplerTest, IsKeyedBySeedClientAndRound) {
  const BatchSampler::Options base{
      .samples = 100, .batch_size = 10, .seed = 1, .client = "a", .round = 3};
  BatchSampler::Options other = base;
  EXPECT_EQ(AllBatches(base), AllBatches(other));
  other.client = "b";
  EXPECT_NE(AllBatches(base), AllBatches(other));
  other = base;
  other.round = 4;
  EXPECT_NE(AllBatches(base), AllBatches(other));
  other = base;
  other.seed = 2;
  EXPECT_NE(AllBatches(base), AllBatches(other));
}

TEST(BatchSamplerTest, IsEmptyAfterTheLast) {
  BatchSampler sampler({.samples = 2, .batch_size = 2});
  EXPECT_EQ(sampler.Next().size(), 2u);
  EXPECT_TRUE(sampler.Next().empty());
  EXPECT_TRUE(sampler.Next().empty());
}

}  // namespace
}  // namespace fedgap
