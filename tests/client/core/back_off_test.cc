#include "client/core/back_off.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fedgap {
namespace {

TEST(BackOffTest, GrowsToItsCeilingAndStaysWithinIt) {
  BackOff back_off({.least = std::chrono::milliseconds(100),
                    .most = std::chrono::milliseconds(5000)},
                   CounterRng(1, RngPurpose::kBackOff));
  std::chrono::milliseconds longest{0};
  for (int i = 1; i <= 100; ++i) {
    const auto pause = back_off.Next();
    EXPECT_GE(pause.count(), 100);
    EXPECT_LE(pause.count(),
              std::min<std::int64_t>(5000, 100LL << std::min(i, 20)));
    longest = std::max(longest, pause);
  }
  EXPECT_GT(longest.count(), 3000);
  back_off.Reset();
  EXPECT_LE(back_off.Next().count(), 200);
}

TEST(BackOffTest, TwoClientsDoNotReturnAtOneMoment) {
  BackOff a({}, CounterRng(1, RngPurpose::kBackOff, "a"));
  BackOff b({}, CounterRng(1, RngPurpose::kBackOff, "b"));
  int together = 0;
  for (int i = 0; i < 20; ++i) together += a.Next() == b.Next() ? 1 : 0;
  EXPECT_LE(together, 2);
}

}  // namespace
}  // namespace fedgap
