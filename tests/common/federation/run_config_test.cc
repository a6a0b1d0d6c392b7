#include "common/federation/run_config.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

TEST(RunConfigTest, EnumNamesRoundTrip) {
  for (const auto name : {"client", "group", "samples", "pixels"}) {
    EXPECT_EQ(ToString(WeightingFromString(name).value()), name);
  }
  for (const auto name : {"fedavg", "fedavgm", "fedadam", "median"}) {
    EXPECT_EQ(ToString(StrategyKindFromString(name).value()), name);
  }
  for (const auto name : {"reject", "clip"}) {
    EXPECT_EQ(ToString(OnExcessFromString(name).value()), name);
  }
  EXPECT_THAT(WeightingFromString("clients"),
              HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace fedgap
