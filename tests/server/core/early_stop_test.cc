#include "server/core/early_stop.h"

#include <gtest/gtest.h>

namespace fedgap {
namespace {

FairnessSummary Mean(double mean) {
  FairnessSummary summary;
  summary.mean = mean;
  return summary;
}

TEST(EarlyStopTest, NeverStopsWithoutATargetOrPatience) {
  EarlyStop stop;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(stop.Observe({}, Mean(1.0)), "");
}

TEST(EarlyStopTest, StopsAtTheTarget) {
  EarlyStop stop;
  const StopConfig config{.target_accuracy = 0.8};
  EXPECT_EQ(stop.Observe(config, Mean(0.799)), "");
  EXPECT_NE(stop.Observe(config, Mean(0.8)), "");
}

TEST(EarlyStopTest, StopsAfterSoManyEvaluationsWithoutABetterOne) {
  EarlyStop stop;
  const StopConfig config{.patience = 2};
  EXPECT_EQ(stop.Observe(config, Mean(0.5)), "");
  EXPECT_EQ(stop.Observe(config, Mean(0.5)), "");  // equal is not better
  EXPECT_EQ(stop.Observe(config, Mean(0.6)), "");  // begins anew
  EXPECT_EQ(stop.Observe(config, Mean(0.55)), "");
  EXPECT_NE(stop.Observe(config, Mean(0.55)), "");
  EXPECT_EQ(stop.best_millionths, 600000);
}

}  // namespace
}  // namespace fedgap
