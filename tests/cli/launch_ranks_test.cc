#include "cli/launch_ranks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// What follows the program, which is where mpirun's own words end.
std::vector<std::string> WordsOfRanks(const RankLaunch& launch,
                                      const SimulateFlags& flags) {
  const std::vector<std::string> words =
      RankCommand(launch, flags, "/opt/fedgap-mpi");
  const auto program = std::ranges::find(words, "/opt/fedgap-mpi");
  EXPECT_NE(program, words.end());
  return {program + 1, words.end()};
}

TEST(RankCommandTest, HandsEveryFlagOnToTheRanks) {
  SimulateFlags flags;
  flags.config = "run.toml";
  flags.overrides = {"run.seed=2", "run.rounds=3"};
  flags.settings.run_dir = "runs/a";
  flags.settings.threads = 4;
  flags.sweep = {"run.seed=1,2"};
  flags.baseline = "local";
  flags.quiet = true;
  EXPECT_THAT(
      WordsOfRanks({.ranks = 2, .mpirun_args = "", .piece_kib = 64}, flags),
      ElementsAre("--config", "run.toml", "--set", "run.seed=2", "--set",
                  "run.rounds=3", "--run-dir", "runs/a", "--sweep",
                  "run.seed=1,2", "--baseline", "local", "--threads", "4",
                  "--piece-kib", "64", "--quiet"));
}

TEST(CheckSimulateFlagsTest, NoRunOfASweepStandsForAnother) {
  const TempDir dir;
  SimulateFlags flags;
  flags.config = (dir.path() / "run.toml").string();
  ASSERT_OK(WriteFileAtomic(flags.config, "[simulation]\npopulation = 4\n"));
  flags.sweep = {"run.seed=1,2"};
  EXPECT_OK(CheckSimulateFlags(flags));
  flags.sweep = {"run.seed=1,2", "run.seed=3,4"};
  EXPECT_THAT(CheckSimulateFlags(flags),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("run.seed is swept twice")));
  flags.baseline = "resize=28";
  flags.sweep = {"simulation.resize=14"};
  EXPECT_THAT(CheckSimulateFlags(flags),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("simulation.resize is swept twice")));
}

TEST(RankCommandTest, LeavesThePieceSizeToTheRanksWhereNoneIsGiven) {
  EXPECT_THAT(WordsOfRanks({.ranks = 2, .mpirun_args = ""}, {}),
              Not(Contains("--piece-kib")));
}

TEST(RankCommandTest, PutsTheWordsForMpirunBeforeTheProgram) {
  const std::vector<std::string> words = RankCommand(
      {.ranks = 3, .mpirun_args = "--hostfile  hosts"}, {}, "/opt/fedgap-mpi");
  const auto program = std::ranges::find(words, "/opt/fedgap-mpi");
  const std::vector<std::string> before(words.begin(), program);
  ASSERT_GE(before.size(), 5U);
  EXPECT_EQ(before[0], "mpirun");
  EXPECT_EQ(before[2], "3");
  EXPECT_EQ(before[before.size() - 2], "--hostfile");
  EXPECT_EQ(before.back(), "hosts");
}

}  // namespace
}  // namespace fedgap
