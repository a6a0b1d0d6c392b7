#include "dashboard/model/client_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace fedgap {
namespace {

using ::testing::ElementsAre;

std::vector<Round> Rounds(const ClientHistory& history) {
  std::vector<Round> rounds;
  for (const UpdatePoint& point : history.points()) {
    rounds.push_back(point.round);
  }
  return rounds;
}

ClientHistory After(int updates, std::size_t limit) {
  ClientHistory history;
  for (int round = 1; round <= updates; ++round) {
    history.Add({.round = round, .norm = 1.0 * round}, limit);
  }
  return history;
}

TEST(ClientHistoryTest, KeepsAllThatFit) {
  const ClientHistory history = After(4, 4);
  EXPECT_THAT(Rounds(history), ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(history.stride(), 1);
}

TEST(ClientHistoryTest, ThinsOutAndKeepsTheNewest) {
  EXPECT_THAT(Rounds(After(5, 4)), ElementsAre(1, 3, 5));
  EXPECT_THAT(Rounds(After(6, 4)), ElementsAre(1, 3, 5, 6));
  EXPECT_THAT(Rounds(After(7, 4)), ElementsAre(1, 3, 5, 7));
  EXPECT_EQ(After(7, 4).stride(), 2);
}

TEST(ClientHistoryTest, StaysEvenlySpacedAndBoundedForEver) {
  for (const std::size_t limit : {2U, 3U, 7U, 16U}) {
    for (int updates = 1; updates < 400; ++updates) {
      const ClientHistory history = After(updates, limit);
      const auto rounds = Rounds(history);
      ASSERT_LE(rounds.size(), limit);
      ASSERT_EQ(rounds.back(), updates);
      for (std::size_t i = 0; i + 1 < rounds.size(); ++i) {
        ASSERT_EQ(rounds[i], 1 + static_cast<Round>(i) * history.stride())
            << limit << " of " << updates;
      }
    }
  }
}

TEST(ClientHistoryTest, ForgetsRoundsThatAreRunAgain) {
  ClientHistory history = After(6, 4);
  history.Truncate(4);
  EXPECT_THAT(Rounds(history), ElementsAre(1, 3));
  history.Add({.round = 5}, 4);
  EXPECT_EQ(Rounds(history).back(), 5);
}

// A page that takes what is new at any time has what the history has.
TEST(ClientHistoryTest, WhoHasThePointsUpToARevisionNeedsTheOthersOnly) {
  for (const int every : {1, 2, 3, 7}) {
    ClientHistory history;
    std::vector<Round> page;
    std::uint64_t seen = 0;
    std::size_t sent = 0;
    Round round = 0;
    for (int revision = 1; revision <= 300; ++revision) {
      if (revision % 50 == 0) history.Truncate(round -= 9);
      history.Add(
          {.round = ++round, .revision = static_cast<std::uint64_t>(revision)},
          64);
      if (revision % every != 0) continue;
      const std::vector<Round> now = Rounds(history);
      const std::size_t from = history.CountUpTo(seen);
      ASSERT_LE(from, page.size());
      page.resize(from);
      page.insert(page.end(), now.begin() + static_cast<std::ptrdiff_t>(from),
                  now.end());
      ASSERT_EQ(page, now) << revision;
      sent += now.size() - from;
      seen = static_cast<std::uint64_t>(revision);
    }
    EXPECT_LT(sent, 900U) << "all of it each time were 10,000";
  }
}

}  // namespace
}  // namespace fedgap
