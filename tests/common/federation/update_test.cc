#include "common/federation/update.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

TEST(UpdateInfoTest, AddsSamplesAndPixelsOverGroups) {
  UpdateInfo info;
  info.counts = {{0, 10, 1960}, {3, 5, 4320}};
  EXPECT_EQ(info.samples(), 15);
  EXPECT_EQ(info.pixels(), 6280);
}

TEST(UpdateInfoTest, HostileCountsDoNotOverflow) {
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  UpdateInfo info;
  info.counts = {{0, kMax, kMin}, {1, 1, -1}};
  EXPECT_EQ(info.samples(), kMax);
  EXPECT_EQ(info.pixels(), kMin);
}

TEST(PooledModeTest, NamesRoundTrip) {
  for (const PooledMode mode :
       {PooledMode::kOff, PooledMode::kMean, PooledMode::kClasses}) {
    ASSERT_OK_AND_ASSIGN(const PooledMode parsed,
                         PooledModeFromString(ToString(mode)));
    EXPECT_EQ(parsed, mode);
  }
  EXPECT_THAT(PooledModeFromString("none"),
              Fails(absl::StatusCode::kInvalidArgument,
                    "unknown pooled mode 'none'; known: off, mean, classes"));
}

}  // namespace
}  // namespace fedgap
