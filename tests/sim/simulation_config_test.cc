#include "sim/simulation_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file_io.h"
#include "common/config/run_config_toml.h"
#include "sim/roster.h"
#include "sim/simulation.h"
#include "sim/sweep.h"
#include "sim/sweep_config.h"
#include "tests/testing/generated_doc.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

StatusOr<SimulationDefinition> Parse(std::string text) {
  return ParseSimulation({"run.toml", std::move(text), {}, {}});
}

constexpr char kFull[] = R"(
[run]
seed = 7
[simulation]
data = "fashion-mnist"
clients = ["a part=1/2", "b part=2/2"]
population = 100
partition = "virtual"
samples_per_client = 60
seed = 3
resolutions = "14:0.5, 28:0.5"
size_class_correlation = 0.5
samples_by_pixels = 1.0
resize = "28"
one_size = "20"
availability = 0.5
drop_out = 0.1
seconds_per_megapixel = 2.0
speed_spread = 0.5
only = "a"
central = true
final_evaluation_clients = 10
)";

TEST(SimulationConfigTest, TheWrittenConfigurationReadsBackTheSame) {
  ASSERT_OK_AND_ASSIGN(const SimulationDefinition definition, Parse(kFull));
  EXPECT_EQ(definition.run.seed, 7u);
  EXPECT_EQ(definition.simulation.clients,
            (std::vector<std::string>{"a part=1/2", "b part=2/2"}));
  EXPECT_EQ(definition.simulation.seed, 3u);
  const std::string text = ToToml(definition);
  ASSERT_OK_AND_ASSIGN(const SimulationDefinition again, Parse(text));
  EXPECT_EQ(ToToml(again), text);
  EXPECT_THAT(text, HasSubstr("resolutions = \"14:0.5, 28:0.5\"\n"));
}

TEST(SimulationConfigTest, MistakesAreNamedWithTheWayOut) {
  EXPECT_THAT(Parse("[simulation]\npopulatoin = 5\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("did you mean 'population'?")));
  EXPECT_THAT(Parse("[simulation]\nclients = 'a'\n"),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("must be a [list] of texts")));
}

StatusOr<SimulationDefinition> ParseExample(const std::string& path) {
  FEDGAP_ASSIGN_OR_RETURN(const std::string text,
                          ReadFileText(SourceDir() / "examples" / path));
  return ParseSimulation({path, text, {}, {}});
}

TEST(SimulationConfigTest, TheExamplesAreRead) {
  EXPECT_OK(ParseExample("simulate/quick.toml"));
  // The demo simulated is the demo's own configuration.
  ASSERT_OK_AND_ASSIGN(const auto simulated,
                       ParseExample("simulate/demo.toml"));
  ASSERT_OK_AND_ASSIGN(const auto real, ParseExample("demo/server.toml"));
  EXPECT_EQ(ToToml(simulated.run), ToToml(real.run));
  for (const std::string& client : simulated.simulation.clients) {
    EXPECT_OK(ParseRosterEntry(client, simulated.simulation));
  }
}

// With the values of each of its runs.
TEST(SimulationConfigTest, TheExampleOfASweepIsRead) {
  ConfigSources sources;
  ASSERT_OK_AND_ASSIGN(
      sources.file_text,
      ReadFileText(SourceDir() / "examples/simulate/sweep.toml"));
  ASSERT_OK_AND_ASSIGN(const SweepConfig sweep, ParseSweepConfig(sources));
  std::vector<SweepAxis> axes;
  for (const std::string& text : sweep.grid) {
    ASSERT_OK_AND_ASSIGN(axes.emplace_back(), ParseSweepAxis(text));
  }
  const std::vector<SweepPoint> points = Grid(axes);
  EXPECT_EQ(points.size(), 4U);
  for (const SweepPoint& point : points) {
    sources.overrides = point.overrides;
    EXPECT_OK(ParseSimulation(sources).status());
  }
}

TEST(MakePopulationTest, NeedsOneKindOfClients) {
  SimulationConfig config;
  EXPECT_THAT(MakePopulation(config, {}),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("give simulation.population")));
  config.population = 3;
  config.clients = {"a"};
  EXPECT_THAT(
      MakePopulation(config, {}),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("give one of them")));
}

TEST(SimulationConfigTest, TheReferenceIsUpToDate) {
  ExpectGeneratedPart(SourceDir() / "docs/CONFIG.md", "simulation keys",
                      SimulationReference());
  ExpectGeneratedPart(SourceDir() / "docs/CONFIG.md", "sweep keys",
                      SweepReference());
}

TEST(SweepConfigTest, StandsBesideTheRunAndIsNoPartOfIt) {
  ConfigSources sources;
  sources.file_text =
      "[run]\nseed = 4\n[sweep]\ngrid = ['run.rounds=1,2']\n"
      "baseline = 'central'\n[simulation]\npopulation = 3\n";
  ASSERT_OK_AND_ASSIGN(const SweepConfig sweep, ParseSweepConfig(sources));
  EXPECT_THAT(sweep.grid, ElementsAre("run.rounds=1,2"));
  EXPECT_EQ(sweep.baseline, "central");
  ASSERT_OK_AND_ASSIGN(const SimulationDefinition run,
                       ParseSimulation(sources));
  EXPECT_THAT(ToToml(run), Not(HasSubstr("sweep")));
  sources.file_text += "[sweeps]\n";
  EXPECT_THAT(ParseSweepConfig(sources),
              Fails(kInvalid, HasSubstr("did you mean 'sweep'?")));
}

}  // namespace
}  // namespace fedgap
