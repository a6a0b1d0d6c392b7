#include "server/core/cohort_selection.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "common/base/counter_rng.h"

namespace fedgap {
namespace {

std::vector<ClientName> Clients(int count) {
  std::vector<ClientName> clients;
  for (int i = 0; i < count; ++i) clients.push_back({fmt::format("c{}", i)});
  std::ranges::sort(clients);
  return clients;
}

TEST(SelectCohortTest, TakesEverybodyByDefault) {
  const Cohort cohort = SelectCohort({}, 1, 1, Clients(6));
  EXPECT_EQ(cohort.clients, Clients(6));
  EXPECT_EQ(cohort.target, 6);
}

TEST(SelectCohortTest, IsAFunctionOfSeedRoundAndTheSortedClients) {
  const CohortConfig config{.size = 5};
  const auto first = SelectCohort(config, 7, 3, Clients(50)).clients;
  EXPECT_EQ(SelectCohort(config, 7, 3, Clients(50)).clients, first);
  EXPECT_NE(SelectCohort(config, 8, 3, Clients(50)).clients, first);
  EXPECT_NE(SelectCohort(config, 7, 4, Clients(50)).clients, first);
}

TEST(SelectCohortTest, DrawsWithoutReplacementAndSorted) {
  const Cohort cohort = SelectCohort({.size = 20}, 1, 1, Clients(30));
  EXPECT_TRUE(std::ranges::is_sorted(cohort.clients));
  EXPECT_EQ(std::set(cohort.clients.begin(), cohort.clients.end()).size(), 20u);
}

TEST(SelectCohortTest, OverSelectionAddsSparesButNotToTheTarget) {
  const Cohort cohort =
      SelectCohort({.size = 10, .over_selection = 1.3}, 1, 1, Clients(30));
  EXPECT_EQ(cohort.clients.size(), 13u);
  EXPECT_EQ(cohort.target, 10);
}

TEST(SelectCohortTest, TakesWhoIsThereWhenThereAreFewer) {
  const Cohort cohort =
      SelectCohort({.size = 10, .over_selection = 1.3}, 1, 1, Clients(4));
  EXPECT_EQ(cohort.clients.size(), 4u);
  EXPECT_EQ(cohort.target, 4);
}

TEST(SelectCohortTest, AFractionOfAFewIsAtLeastOne) {
  EXPECT_EQ(SelectCohort({.fraction = 0.01}, 1, 1, Clients(5)).target, 1);
  EXPECT_EQ(SelectCohort({.fraction = 0.5}, 1, 1, Clients(5)).target, 3);
}

// Products of decimal fractions that are a whole number, and come out a little
// above it in binary.
TEST(DrawCohortTest, RoundsUpNothingButWhatIsAboveAWholeNumber) {
  struct Row {
    CohortConfig config;
    std::size_t eligible;
    int target;
    std::size_t selected;
  };
  for (const Row& row : std::vector<Row>{
           {{.fraction = 0.07}, 100, 7, 7},
           {{.fraction = 0.14}, 50, 7, 7},
           {{.fraction = 0.07}, 1'000'000, 70'000, 70'000},
           {{.fraction = 0.07}, 101, 8, 8},
           {{.fraction = 0.001}, 1001, 2, 2},
           {{.size = 50, .over_selection = 1.1}, 100, 50, 55},
           {{.size = 50, .over_selection = 1.11}, 100, 50, 56},
       }) {
    const CohortDraw draw = DrawCohort(row.config, 1, 1, row.eligible);
    EXPECT_EQ(draw.target, row.target) << row.eligible;
    EXPECT_EQ(draw.positions.size(), row.selected) << row.eligible;
  }
}

TEST(SelectCohortTest, TakesNoMoreThanTheLargestCohort) {
  const Cohort cohort = SelectCohort({.max_size = 4}, 1, 1, Clients(6));
  EXPECT_EQ(cohort.target, 4);
  EXPECT_EQ(cohort.clients.size(), 4u);
  const CohortConfig half{.fraction = 0.5, .max_size = 3};
  EXPECT_EQ(SelectCohort(half, 1, 1, Clients(6)).clients,
            SelectCohort({.size = 3}, 1, 1, Clients(6)).clients);
}

TEST(RosterDigestTest, TellsRostersApart) {
  EXPECT_EQ(RosterDigest({{"a"}, {"b"}}), RosterDigest({{"a"}, {"b"}}));
  EXPECT_NE(RosterDigest({{"a"}, {"b"}}), RosterDigest({{"ab"}}));
  EXPECT_NE(RosterDigest({{"a"}, {"b"}}), RosterDigest({{"a"}, {"c"}}));
}

TEST(SelectCohortTest, EveryClientIsDrawnAboutEquallyOften) {
  std::map<ClientName, int> drawn;
  for (int round = 1; round <= 2000; ++round) {
    for (const ClientName& client :
         SelectCohort({.size = 2}, 1, round, Clients(10)).clients) {
      ++drawn[client];
    }
  }
  for (const auto& [client, count] : drawn) EXPECT_NEAR(count, 400, 80);
}

// The dense shuffle that the sparse one must agree with: the draws are a part
// of the promise of equal bits.
TEST(DrawCohortTest, IsTheBeginningOfAShuffleOfAllClients) {
  constexpr std::size_t kEligible = 40;
  for (int round = 1; round <= 20; ++round) {
    std::vector<std::size_t> all(kEligible);
    std::iota(all.begin(), all.end(), 0u);
    CounterRng rng(9, RngPurpose::kSelection, {},
                   static_cast<std::uint64_t>(round));
    for (std::size_t i = 0; i < 30; ++i) {
      std::swap(all[i], all[i + rng.Below(kEligible - i)]);
    }
    all.resize(30);
    std::ranges::sort(all);
    EXPECT_EQ(DrawCohort({.size = 30}, 9, round, kEligible).positions, all);
  }
}

TEST(DrawCohortTest, CostsNothingForClientsThatAreNotDrawn) {
  const CohortDraw draw = DrawCohort({.size = 3}, 1, 1, std::size_t{1} << 60);
  EXPECT_EQ(draw.positions.size(), 3u);
}

}  // namespace
}  // namespace fedgap
