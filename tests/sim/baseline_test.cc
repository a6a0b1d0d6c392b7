#include "sim/baseline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/base/file_io.h"
#include "sim/simulation.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

SimulationConfig Roster() {
  SimulationConfig simulation;
  simulation.data = "synthetic:5,60";
  simulation.clients = {"a part=1/2 resolution=14", "b part=2/2 resolution=20"};
  return simulation;
}

StatusOr<std::unique_ptr<Population>> MakePopulation(
    const SimulationConfig& simulation) {
  FEDGAP_ASSIGN_OR_RETURN(auto population, MakePopulation(simulation, {}));
  return ApplyBaseline(simulation, std::move(population));
}

TEST(BaselineAxisTest, IsAnAxisOfASweep) {
  RunConfig run;
  run.evaluation.sizes = {{14, 14}, {24, 36}};
  const auto axis = [&](std::string_view text) {
    return BaselineAxis(text, run, Roster());
  };
  EXPECT_EQ(axis("resize=28")->key, "simulation.resize");
  EXPECT_THAT(axis("resize=28")->values, ElementsAre("28"));
  EXPECT_THAT(axis("ceiling")->values, ElementsAre("14x14", "24x36"));
  EXPECT_THAT(axis("local")->values, ElementsAre("a", "b"));
  EXPECT_EQ(axis("central")->key, "simulation.central");
}

TEST(BaselineAxisTest, SaysWhatIsMissing) {
  EXPECT_THAT(
      BaselineAxis("resize", {}, {}),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("resize=28")));
  EXPECT_THAT(
      BaselineAxis("ceiling", {}, {}),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("evaluation.sizes")));
  EXPECT_THAT(BaselineAxis("local", {}, {}),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("roster")));
  EXPECT_THAT(BaselineAxis("centrall", {}, {}),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("did you mean 'central'?")));
}

TEST(ApplyBaselineTest, CentralHoldsWhatAllHold) {
  SimulationConfig simulation = Roster();
  simulation.central = true;
  ASSERT_OK_AND_ASSIGN(const auto population, MakePopulation(simulation));
  ASSERT_EQ(population->size(), 1u);
  ASSERT_OK_AND_ASSIGN(const auto data, population->DataOf(0));
  ASSERT_EQ(data->size(), 60);
  EXPECT_EQ(data->image_size(29), (ImageSize{14, 14}));
  EXPECT_EQ(data->image_size(30), (ImageSize{20, 20}));
  ASSERT_OK_AND_ASSIGN(const auto parts, MakePopulation(Roster()));
  const auto second = parts->DataOf(1).value();
  std::vector<float> a(400), b(400);
  data->Read(31, {{0.5}, {0.5}}, a);
  second->Read(1, {{0.5}, {0.5}}, b);
  EXPECT_EQ(a, b);
  EXPECT_EQ(data->label(31), second->label(1));
}

// On the same side of every split, that is.
TEST(ApplyBaselineTest, CopiesOfOneImageStayTogetherInCentral) {
  SimulationConfig simulation;
  simulation.data = "synthetic:5,30";
  simulation.population = 3;
  simulation.partition = "virtual";
  simulation.samples_per_client = 40;
  simulation.resolutions = "12, 16";
  ASSERT_OK_AND_ASSIGN(const auto clients, MakePopulation(simulation));
  simulation.central = true;
  ASSERT_OK_AND_ASSIGN(const auto population, MakePopulation(simulation));
  const auto data = population->DataOf(0).value();
  std::map<std::uint32_t, std::set<std::int32_t>> tracks;
  std::int64_t at = 0;
  for (std::size_t i = 0; i < clients->size(); ++i) {
    for (const Population::Origin& origin : clients->OriginsOf(i)) {
      tracks[origin.index].insert(data->track(at++));
    }
  }
  EXPECT_EQ(at, data->size());
  std::set<std::int32_t> all;
  for (const auto& [index, of_image] : tracks) {
    EXPECT_THAT(of_image, SizeIs(1)) << index;
    all.insert(of_image.begin(), of_image.end());
  }
  EXPECT_EQ(all.size(), tracks.size());
}

// Three frames of each of four objects.
void WriteTracks(const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder / "sign");
  for (int object = 0; object < 4; ++object) {
    for (int frame = 0; frame < 3; ++frame) {
      const auto file = fmt::format("0000{}_0000{}.ppm", object, frame);
      const auto shade = static_cast<char>(10 * object + frame);
      ASSERT_OK(WriteFileAtomic(folder / "sign" / file,
                                "P6 8 8 255\n" + std::string(192, shade)));
    }
  }
}

TEST(ApplyBaselineTest, CentralKeepsTheTracksOfEachSet) {
  const TempDir dir;
  WriteTracks(dir / "x");
  WriteTracks(dir / "y");
  SimulationConfig simulation;
  simulation.clients = {"a data=folder:" + (dir / "x").string(),
                        "b data=folder:" + (dir / "y").string(),
                        "c data=folder:" + (dir / "x").string()};
  simulation.central = true;
  ASSERT_OK_AND_ASSIGN(const auto population, MakePopulation(simulation));
  const auto data = population->DataOf(0).value();
  std::vector<std::int32_t> tracks;
  for (std::int64_t i = 0; i < data->size(); ++i) {
    tracks.push_back(data->track(i));
  }
  // One track of each set is its test part.
  std::vector<std::int32_t> expected;
  for (const int first : {0, 3, 0}) {
    for (int k = 0; k < 9; ++k) expected.push_back(first + k / 3);
  }
  EXPECT_EQ(tracks, expected);
}

TEST(ApplyBaselineTest, OnlyIsOneClientUnderItsName) {
  SimulationConfig simulation = Roster();
  simulation.only = "b";
  ASSERT_OK_AND_ASSIGN(const auto population, MakePopulation(simulation));
  ASSERT_EQ(population->size(), 1u);
  EXPECT_EQ(population->NameOf(0).value, "b");
  simulation.only = "c";
  EXPECT_THAT(MakePopulation(simulation),
              Fails(absl::StatusCode::kNotFound, HasSubstr("'c'")));
}

TEST(ApplyBaselineTest, ASingleClientHasThePixelsOfItsImages) {
  SimulationConfig simulation = Roster();
  simulation.only = "b";
  EXPECT_EQ(MakePopulation(simulation).value()->PixelsOf(0), 30 * 20 * 20);
  simulation.only = "";
  simulation.central = true;
  EXPECT_EQ(MakePopulation(simulation).value()->PixelsOf(0),
            30 * (14 * 14 + 20 * 20));
}

TEST(ApplyBaselineTest, TheCeilingPutsAllAtOneSizeAndLooksThere) {
  SimulationConfig simulation = Roster();
  simulation.one_size = "20";
  ASSERT_OK_AND_ASSIGN(const auto population, MakePopulation(simulation));
  EXPECT_EQ(population->DataOf(0).value()->image_size(0), (ImageSize{20, 20}));
  RunConfig run;
  run.evaluation.sizes = {{14, 14}, {20, 20}};
  ASSERT_OK_AND_ASSIGN(run, ApplyBaseline(simulation, run));
  EXPECT_THAT(run.evaluation.sizes, ElementsAre(ImageSize{20, 20}));
}

TEST(ApplyBaselineTest, ASingleClientIsItsOwnCohort) {
  SimulationConfig simulation = Roster();
  simulation.central = true;
  RunConfig run;
  run.cohort.min_clients = 6;
  run.cohort.size = 6;
  ASSERT_OK_AND_ASSIGN(run, ApplyBaseline(simulation, run));
  EXPECT_EQ(run.cohort.min_clients, 1);
  EXPECT_EQ(run.cohort.size, 0);
}

}  // namespace
}  // namespace fedgap
