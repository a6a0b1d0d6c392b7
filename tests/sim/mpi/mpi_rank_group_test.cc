// The group over MPI itself: mpirun starts three of this program, and each runs
// the same cases in the same order.
#include "sim/mpi/mpi_rank_group.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <numeric>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kRanks = 3;

// One for all cases, as MPI starts once a process; main owns it.
MpiRankGroup* group = nullptr;

RankGroup::Bytes Counting(std::size_t size, int first) {
  RankGroup::Bytes bytes(size);
  std::iota(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(first));
  return bytes;
}

double CpuSeconds() {
  std::timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) +
         1e-9 * static_cast<double>(used.tv_nsec);
}

// Nothing, less than a piece, a piece, and several with a rest.
constexpr std::size_t kSizes[] = {0, 7, 64, 64 * 40 + 1};

TEST(MpiRankGroupTest, HasARankForEachProcess) {
  EXPECT_EQ(group->size(), kRanks);
  EXPECT_EQ(group->ranks_here(), kRanks);
  EXPECT_EQ(group->is_root(), group->rank() == 0);
}

TEST(MpiRankGroupTest, BroadcastsTheRootsBytes) {
  for (const std::size_t size : kSizes) {
    const auto bytes =
        group->Broadcast(group->is_root() ? Counting(size, 5) : Counting(9, 1));
    ASSERT_OK(bytes);
    EXPECT_EQ(*bytes, Counting(size, 5));
  }
}

TEST(MpiRankGroupTest, GathersByRankAtTheRoot) {
  for (const std::size_t size : kSizes) {
    const int rank = group->rank();
    const auto all =
        group->Gather(Counting(size + static_cast<std::size_t>(rank), rank));
    ASSERT_OK(all);
    if (group->is_root()) {
      EXPECT_THAT(*all, ElementsAre(Counting(size, 0), Counting(size + 1, 1),
                                    Counting(size + 2, 2)));
    } else {
      EXPECT_THAT(*all, IsEmpty());
    }
  }
}

TEST(MpiRankGroupTest, SumsAtTheRootAndUnitesForAll) {
  std::vector<std::int64_t> values(1000, std::int64_t{1} << group->rank());
  ASSERT_OK(group->SumToRoot(values));
  if (group->is_root()) {
    EXPECT_THAT(values, Each(std::int64_t{0b111}));
  }
  std::vector<std::uint64_t> bits = {std::uint64_t{1} << group->rank(), 0};
  ASSERT_OK(group->UniteForAll(bits));
  EXPECT_THAT(bits, ElementsAre(0b111U, 0U));
}

// MPI's own wait would take as much of a processor as the root's work does.
TEST(MpiRankGroupTest, ARankThatWaitsLeavesItsCore) {
  constexpr double kWorkSeconds = 0.5;
  const double began = CpuSeconds();
  while (group->is_root() && CpuSeconds() < began + kWorkSeconds) {
  }
  const double waited = group->traffic().waited_seconds;
  ASSERT_OK(group->Broadcast(Counting(3, 0)));
  if (group->is_root()) return;
  EXPECT_LT(CpuSeconds() - began, kWorkSeconds / 4);
  EXPECT_GT(group->traffic().waited_seconds, waited);
}

TEST(MpiRankGroupTest, CountsWhatItMoves) {
  const MpiRankGroup::Traffic before = group->traffic();
  std::vector<std::int64_t> values(100);
  ASSERT_OK(group->Broadcast(group->is_root() ? Counting(70, 0)
                                              : RankGroup::Bytes()));
  ASSERT_OK(group->Gather(Counting(10, 0)));
  ASSERT_OK(group->SumToRoot(values));
  const MpiRankGroup::Traffic& after = group->traffic();
  EXPECT_EQ(after.broadcast.bytes - before.broadcast.bytes, 70);
  EXPECT_EQ(after.gathered.bytes - before.gathered.bytes,
            group->is_root() ? (kRanks - 1) * 10 : 10);
  EXPECT_EQ(after.summed.bytes - before.summed.bytes, 800);
  EXPECT_GT(after.summed.seconds, before.summed.seconds);
}

TEST(MpiRankGroupTest, IsMadeOnce) {
  EXPECT_THAT(MpiRankGroup::Create({}),
              Fails(absl::StatusCode::kFailedPrecondition,
                    ::testing::HasSubstr("runs already")));
}

}  // namespace

int RunCases(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  auto created = MpiRankGroup::Create({.piece_bytes = 64});
  if (!created.ok()) return 1;
  group = created->get();
  const int result = RUN_ALL_TESTS();
  // A rank whose case ended early would leave the others waiting.
  if (result != 0) group->Abort(result);
  return 0;
}

}  // namespace fedgap

int main(int argc, char** argv) { return fedgap::RunCases(argc, argv); }
