// ExactAccumulator over several processes, with threads in their place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "server/aggregation/exact_accumulator.h"
#include "tests/server/aggregation/test_updates.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/thread_ranks.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kSize = 1003;

ExactAccumulator Make(std::int64_t max_count, std::int64_t max_weight,
                      int bins) {
  return ExactAccumulator::Create(kSize, bins, {max_count, max_weight, 4.0})
      .value();
}

// Weights that need several digits, and bins that not every rank uses.
TEST(AccumulatorReduceTest, TheRootHasWhatOneProcessWouldHave) {
  constexpr int kVectors = 11;
  constexpr std::int64_t kMaxWeight = std::int64_t{1} << 40;
  std::vector<std::unique_ptr<MemoryVector>> vectors;
  std::vector<ExactAccumulator::Term> terms;
  for (int i = 0; i < kVectors; ++i) {
    vectors.push_back(std::make_unique<MemoryVector>(
        RandomVector(kSize, static_cast<std::uint64_t>(i), 3.9)));
    terms.push_back({vectors.back().get(),
                     1.0,
                     {{i % 3, (std::int64_t{1} << (3 * i)) + 7}}});
  }
  ThreadPool pool(1);
  ExactAccumulator whole = Make(100, kMaxWeight, 4);
  ASSERT_OK(whole.Add(terms, pool));
  for (const int ranks : {1, 2, 3, 5, 12}) {
    std::vector<std::uint8_t> bytes;
    RunAsRanks(ranks, [&](RankGroup& group) {
      ExactAccumulator mine = Make(100, kMaxWeight, 4);
      ThreadPool own_pool(1);
      for (int i = group.rank(); i < kVectors; i += group.size()) {
        ASSERT_OK(mine.Add(std::span(&terms[static_cast<std::size_t>(i)], 1),
                           own_pool));
      }
      ASSERT_OK(mine.Reduce(group, group.is_root()));
      if (group.is_root()) {
        bytes = mine.Serialize().value();
      } else {
        EXPECT_THAT(mine.Serialize(), HasCode(absl::StatusCode::kInternal));
      }
    });
    EXPECT_EQ(bytes, whole.Serialize().value()) << ranks;
  }
}

TEST(AccumulatorReduceTest, MoreUpdatesThanItHoldsAreRefusedAtTheRoot) {
  const MemoryVector vector(RandomVector(kSize, 1, 1));
  const ExactAccumulator::Term term = {&vector, 1.0, {{0, 1}}};
  RunAsRanks(3, [&](RankGroup& group) {
    ExactAccumulator mine = Make(/*max_count=*/2, 10, 1);
    ThreadPool pool(1);
    ASSERT_OK(mine.Add(std::span(&term, 1), pool));
    const Status reduced = mine.Reduce(group, group.is_root());
    if (!group.is_root()) return;
    EXPECT_THAT(reduced, Fails(absl::StatusCode::kResourceExhausted,
                               HasSubstr("the processes took 3")));
  });
}

}  // namespace
}  // namespace fedgap
