#include "sim/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/store/run_inspection.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::StartsWith;

SimulationDefinition SmallSimulation() {
  SimulationDefinition definition;
  definition.run.name = "small";
  definition.run.rounds = 2;
  definition.run.model.width = 4;
  definition.run.cohort.size = 3;
  definition.run.training.local.batch_size = 4;
  definition.simulation.data = "synthetic:5,60";
  definition.simulation.population = 6;
  definition.simulation.samples_per_client = 8;
  definition.simulation.resolutions = "12, 16";
  return definition;
}

class SimulationTest : public ::testing::Test {
 protected:
  StatusOr<RunReport> Run(const SimulationDefinition& definition,
                          const std::string& directory,
                          const std::string& replay = "") {
    SimulationSettings settings;
    settings.run_dir = dir_ / directory;
    settings.threads = 1;
    settings.progress = false;
    if (!replay.empty()) settings.replay = dir_ / replay;
    return RunSimulation(definition, settings, never_);
  }

  const TempDir dir_;
  const Interruption never_;
};

TEST_F(SimulationTest, RunsOfOneNameAreReplayedInDirectoriesOfTheirOwn) {
  const SimulationDefinition definition = SmallSimulation();
  EXPECT_EQ(RunDirOf(definition, {}).value(), "runs/small");
  ASSERT_OK(Run(definition, "a"));
  ASSERT_OK(Run(definition, "b"));
  const auto directory_of = [&](const std::string& recorded) {
    SimulationSettings settings;
    settings.replay = dir_ / recorded;
    return RunDirOf(definition, settings).value().string();
  };
  EXPECT_THAT(directory_of("a"), StartsWith("runs/small-"));
  EXPECT_NE(directory_of("a"), directory_of("b"));
}

TEST_F(SimulationTest, TheReplayOfAFinishedRunIsFinished) {
  ASSERT_OK(Run(SmallSimulation(), "a"));
  ASSERT_OK(Run(SmallSimulation(), "replay", "a"));
  EXPECT_EQ(FindHeldRun(dir_ / "replay")->finished, "completed");
}

}  // namespace
}  // namespace fedgap
