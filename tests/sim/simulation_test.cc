#include "sim/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>

#include "common/base/version.h"
#include "common/nn/kernels/isa.h"
#include "server/store/run_inspection.h"
#include "sim/rank_messages.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/testing/thread_ranks.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
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

class RankedSimulationTest : public SimulationTest {
 protected:
  // The root's result, beside one rank that does `rank_one`.
  StatusOr<RunReport> RunBeside(
      const std::function<void(RankGroup&)>& rank_one) {
    StatusOr<RunReport> result = absl::UnknownError("not run");
    RunAsRanks(2, [&](RankGroup& ranks) {
      if (!ranks.is_root()) return rank_one(ranks);
      SimulationSettings settings;
      settings.ranks = &ranks;
      settings.run_dir = dir_ / "ranked";
      settings.threads = 1;
      settings.progress = false;
      result = RunSimulation(SmallSimulation(), settings, never_);
      EXPECT_OK(EndSimulations(ranks));
    });
    return result;
  }
};

TEST_F(RankedSimulationTest, RanksWithTheSameDataShareTheWork) {
  ASSERT_OK_AND_ASSIGN(const RunReport alone, Run(SmallSimulation(), "alone"));
  const auto ranked = RunBeside([this](RankGroup& ranks) {
    EXPECT_OK(ServeSimulations(ranks, 1, never_));
  });
  ASSERT_OK(ranked);
  EXPECT_EQ(ranked->model_sha256, alone.model_sha256);
}

TEST_F(RankedSimulationTest, ARankWithOtherDataIsRefusedBeforeTheFirstRound) {
  const auto ranked = RunBeside([](RankGroup& ranks) {
    EXPECT_OK(ranks.Broadcast({}));  // the configuration
    RankSetup setup;
    setup.host = "node-7";
    setup.software = SoftwareVersion();
    setup.portable_bits = kernels::HasPortableBits(kernels::BestIsa());
    EXPECT_OK(ranks.Gather(ToBytes(setup)));
    const auto order = RankOrderFrom(ranks.Broadcast({}).value());
    EXPECT_EQ(order->kind, RankOrder::Kind::kFinish);
    EXPECT_THAT(ranks.Broadcast({}).value(), IsEmpty());
  });
  EXPECT_THAT(ranked, Fails(absl::StatusCode::kFailedPrecondition,
                            HasSubstr("rank 1 on node-7 has another model")));
  EXPECT_FALSE(std::filesystem::exists(dir_ / "ranked"));
}

}  // namespace
}  // namespace fedgap
