#include "sim/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file_io.h"
#include "sim/run_sweep.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<SweepAxis> kAxes = {{"aggregation.weighting", {"a", "b"}},
                                      {"run.seed", {"1", "2"}}};

SweepResult Result(std::vector<std::string> values, double mean) {
  SweepResult result;
  result.point.values = std::move(values);
  result.directory = "d";
  result.report.accuracy.mean = mean;
  return result;
}

TEST(ParseSweepAxisTest, PartsValuesByCommas) {
  ASSERT_OK_AND_ASSIGN(const SweepAxis axis, ParseSweepAxis("run.seed=1,2,3"));
  EXPECT_EQ(axis.key, "run.seed");
  EXPECT_THAT(axis.values, ElementsAre("1", "2", "3"));
}

TEST(ParseSweepAxisTest, ValuesWithCommasArePartedBySemicolons) {
  ASSERT_OK_AND_ASSIGN(const SweepAxis axis,
                       ParseSweepAxis("simulation.resolutions=14;14:1,28:1"));
  EXPECT_THAT(axis.values, ElementsAre("14", "14:1,28:1"));
}

TEST(ParseSweepAxisTest, SaysWhatItMustBe) {
  EXPECT_THAT(
      ParseSweepAxis("run.seed"),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("key=value,value")));
  EXPECT_THAT(
      ParseSweepAxis("seed=1"),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("run.seed=1,2,3")));
}

TEST(CheckAxesTest, EveryCombinationIsARunOfItsOwn) {
  EXPECT_OK(CheckAxes(kAxes));
  EXPECT_OK(CheckAxes({}));
  struct Row {
    std::vector<SweepAxis> axes;
    const char* said;
  };
  for (const Row& row : {
           Row{{{"run.seed", {"1"}},
                {"run.rounds", {"3"}},
                {"run.seed", {"2"}}},
               "run.seed is swept twice"},
           Row{{{"run.seed", {"1", "2", "1"}}}, "the value '1' comes twice"},
           Row{{{"simulation.data", {"idx:a/b", "idx:a_b"}}},
               "the directory 'data=idx:a_b'"},
       }) {
    EXPECT_THAT(CheckAxes(row.axes),
                Fails(absl::StatusCode::kInvalidArgument, HasSubstr(row.said)));
  }
}

TEST(GridTest, IsEveryCombinationTheLastAxisFastest) {
  const auto points = Grid(kAxes);
  ASSERT_EQ(points.size(), 4u);
  EXPECT_THAT(points[1].values, ElementsAre("a", "2"));
  EXPECT_THAT(points[2].overrides,
              ElementsAre("aggregation.weighting=b", "run.seed=1"));
  EXPECT_EQ(DirectoryOf(kAxes, points[1]), "weighting=a,seed=2");
  EXPECT_EQ(Grid({}).size(), 1u);
}

TEST(SweepTablesTest, TheCsvHasARowARunAndMeasure) {
  const std::string csv =
      ToCsv(kAxes, {Result({"a", "1"}, 0.5), Result({"b,c", "2"}, 0.7)});
  EXPECT_THAT(csv, HasSubstr("aggregation.weighting,run.seed,run,rounds,"
                             "model_sha256,measure,value\n"));
  EXPECT_THAT(csv, HasSubstr(",mean,0.5\n"));
  EXPECT_THAT(csv, HasSubstr("\n\"b,c\",2,d,0,"));
}

TEST(SweepTablesTest, TheSummaryIsOverTheSeeds) {
  const std::string summary =
      ToSummary(kAxes, {Result({"a", "1"}, 0.5), Result({"a", "2"}, 0.6),
                        Result({"b", "1"}, 0.8)});
  // Sample standard deviation of 50 and 60.
  EXPECT_THAT(summary, HasSubstr("55.0 +- 7.1"));
  EXPECT_THAT(summary, HasSubstr("80.0"));
  EXPECT_THAT(summary, ::testing::StartsWith("weighting  runs"));
}

class RunSweepTest : public ::testing::Test {
 protected:
  SweepPlan Plan() {
    SweepPlan plan;
    plan.sources.file_name = "run.toml";
    plan.sources.file_text = R"(
[run]
name = "s"
rounds = 1
[model]
width = 4
classes = 4
[cohort]
size = 2
[simulation]
data = "synthetic:1,40"
population = 4
resolutions = "12"
)";
    plan.axes = {{"run.seed", {"1", "2"}}};
    plan.on_run = [this](const SweepStep& step) {
      names_.push_back(step.directory);
      EXPECT_EQ(step.number, (names_.size() - 1) % step.count + 1);
    };
    return plan;
  }
  SimulationSettings Settings() {
    return {.run_dir = dir_.path(), .threads = 1, .progress = false};
  }

  const TempDir dir_;
  Interruption interruption_;
  std::vector<std::string> names_;
};

TEST_F(RunSweepTest, RunsEachPointInItsDirectoryAndWritesTheTables) {
  ASSERT_OK_AND_ASSIGN(const auto results,
                       RunSweep(Plan(), Settings(), interruption_));
  ASSERT_EQ(results.size(), 2u);
  EXPECT_NE(results[0].report.model_sha256, results[1].report.model_sha256);
  EXPECT_THAT(names_, ElementsAre("seed=1", "seed=2"));
  EXPECT_THAT(ReadFileText(dir_ / "sweep.csv").value(),
              HasSubstr("run.seed,run,"));
  EXPECT_THAT(ReadFileText(dir_ / "summary.txt").value(), HasSubstr("+-"));
  // Again: the finished runs are read, not repeated.
  ASSERT_OK_AND_ASSIGN(const auto again,
                       RunSweep(Plan(), Settings(), interruption_));
  EXPECT_EQ(again[0].report.run.value, results[0].report.run.value);
}

TEST_F(RunSweepTest, AMistakeInAnyPointIsFoundBeforeTheFirstRun) {
  SweepPlan plan = Plan();
  plan.axes = {{"run.rounds", {"1", "0"}}};
  EXPECT_THAT(
      RunSweep(plan, Settings(), interruption_),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("run.rounds")));
  EXPECT_TRUE(names_.empty());
}

TEST_F(RunSweepTest, AnInterruptionEndsIt) {
  interruption_.Request("enough");
  EXPECT_THAT(RunSweep(Plan(), Settings(), interruption_),
              Fails(absl::StatusCode::kCancelled,
                    HasSubstr("the same command goes on with it")));
}

}  // namespace
}  // namespace fedgap
