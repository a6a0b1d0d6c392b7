#include "server/aggregation/server_optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

// As tests/golden/make_server_optimizers.py has them.
const Parameters kDeltas[] = {{0.5f, -0.25f, 0.0f, 1e-3f},
                              {0.25f, 0.75f, -1e-3f, 2.0f},
                              {-1.0f, 0.125f, 3e-3f, -2.0f},
                              {0.0f, 0.0f, 1e-4f, 0.5f}};

AggregationConfig Config(StrategyKind strategy) {
  return {.strategy = strategy,
          .server_learning_rate = 0.1,
          .server_momentum = 0.8,
          .beta1 = 0.9,
          .beta2 = 0.99,
          .tau = 1e-3};
}

TEST(ServerOptimizerTest, EqualsTheGoldenRoundsToTheLastBit) {
  std::ifstream golden(SourceDir() / "tests/golden/server_optimizers.txt");
  ASSERT_TRUE(golden.is_open());
  std::string name, text;
  std::size_t round = 0;
  int rows = 0;
  std::unique_ptr<ServerOptimizer> optimizer;
  Parameters global;
  while (golden >> name >> round) {
    if (round == 1) {
      optimizer =
          MakeServerOptimizer(Config(StrategyKindFromString(name).value()), 4);
      global = {1.0f, -1.0f, 0.5f, 0.0f};
    }
    optimizer->Step(kDeltas[round - 1], global);
    for (const float value : global) {
      golden >> text;
      EXPECT_EQ(value, std::strtof(text.c_str(), nullptr))
          << name << " round " << round;
    }
    ++rows;
  }
  EXPECT_EQ(rows, 12);
}

TEST(ServerOptimizerTest, PlainWithRateOneAddsTheDelta) {
  const auto optimizer = MakeServerOptimizer({}, 2);
  Parameters global = {1, 2};
  optimizer->Step(Parameters{0.5f, -4}, global);
  EXPECT_EQ(global, (Parameters{1.5f, -2}));
}

TEST(ServerOptimizerTest, ARestoredOptimizerGoesOnToTheBit) {
  for (const StrategyKind strategy :
       {StrategyKind::kFedAvg, StrategyKind::kFedAvgM, StrategyKind::kFedAdam,
        StrategyKind::kMedian}) {
    const auto whole = MakeServerOptimizer(Config(strategy), 4);
    Parameters expected(4, 1.0f);
    for (const Parameters& delta : kDeltas) whole->Step(delta, expected);

    Parameters global(4, 1.0f);
    OptimizerState state;
    for (std::size_t round = 0; round < 4; ++round) {
      const auto optimizer = MakeServerOptimizer(Config(strategy), 4);
      if (round > 0) {
        ASSERT_OK(optimizer->Restore(state));
      }
      optimizer->Step(kDeltas[round], global);
      state = optimizer->state();
    }
    EXPECT_EQ(global, expected);
  }
}

TEST(ServerOptimizerTest, RefusesAnotherOptimizersState) {
  const auto adam = MakeServerOptimizer(Config(StrategyKind::kFedAdam), 4);
  const auto momentum = MakeServerOptimizer(Config(StrategyKind::kFedAvgM), 4);
  const auto plain = MakeServerOptimizer({}, 4);
  EXPECT_THAT(adam->Restore(momentum->state()),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(momentum->Restore({{"speed", Parameters(4)}}),
              Fails(absl::StatusCode::kInvalidArgument,
                    ::testing::HasSubstr("'velocity'")));
  EXPECT_THAT(momentum->Restore({{"velocity", Parameters(3)}}),
              Fails(absl::StatusCode::kInvalidArgument,
                    ::testing::HasSubstr("3 elements instead of 4")));
  EXPECT_THAT(plain->Restore(adam->state()),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_OK(plain->Restore({}));
}

}  // namespace
}  // namespace fedgap
