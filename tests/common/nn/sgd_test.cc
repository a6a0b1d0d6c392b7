#include "common/nn/sgd.h"

#include <gtest/gtest.h>

#include <cmath>

namespace fedgap {
namespace {

TEST(SgdTest, FollowsItsFormulaFromZeroVelocity) {
  Sgd sgd(2, {.momentum = 0.5f, .weight_decay = 0.25f});
  Parameters parameters = {4.0f, -8.0f};
  const Parameters gradient = {1.0f, 2.0f};
  sgd.Step(0.5f, gradient, parameters);  // v = (2, 0)
  EXPECT_EQ(parameters, (Parameters{3.0f, -8.0f}));
  sgd.Step(0.5f, gradient, parameters);  // v = (1, 0) + (1.75, 0)
  EXPECT_EQ(parameters, (Parameters{1.625f, -8.0f}));
}

TEST(SgdTest, NesterovLooksAhead) {
  Sgd sgd(1, {.momentum = 0.5f, .nesterov = true});
  Parameters parameters = {1.0f};
  sgd.Step(1.0f, Parameters{2.0f}, parameters);  // step = 2 + 0.5 * 2
  EXPECT_EQ(parameters[0], -2.0f);
}

TEST(SgdTest, ResetForgetsTheMomentum) {
  Sgd sgd(1, {.momentum = 0.5f});
  Parameters parameters = {0.0f};
  sgd.Step(1.0f, Parameters{2.0f}, parameters);
  sgd.Reset();
  sgd.Step(1.0f, Parameters{0.0f}, parameters);
  EXPECT_EQ(parameters[0], -2.0f);
}

TEST(ClipNormTest, ScalesDownToTheNormAndReturnsTheOldOne) {
  Parameters gradient = {3.0f, 4.0f};
  EXPECT_DOUBLE_EQ(ClipNorm(1.0, gradient), 5.0);
  EXPECT_FLOAT_EQ(gradient[0], 0.6f);
  EXPECT_FLOAT_EQ(gradient[1], 0.8f);
}

TEST(ClipNormTest, LeavesAShorterGradientAlone) {
  Parameters gradient = {0.3f, 0.4f};
  EXPECT_NEAR(ClipNorm(1.0, gradient), 0.5, 1e-7);
  EXPECT_EQ(gradient, (Parameters{0.3f, 0.4f}));
}

}  // namespace
}  // namespace fedgap
