#include "server/evaluation/define_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

TEST(DefineRunTest, WhoDoesNotEvaluateHasTheClassNamesToo) {
  RunConfig config;
  config.evaluation.data = "synthetic:5,40";
  ASSERT_OK_AND_ASSIGN(const DefinedRun root, DefineRun(config, ""));
  EXPECT_NE(root.evaluator, nullptr);
  ASSERT_OK_AND_ASSIGN(const DefinedRun other,
                       DefineRun(config, "", {.evaluates = false}));
  EXPECT_EQ(other.evaluator, nullptr);
  EXPECT_THAT(other.definition.class_names, Not(IsEmpty()));
  EXPECT_EQ(other.definition.class_names, root.definition.class_names);
}

}  // namespace
}  // namespace fedgap
