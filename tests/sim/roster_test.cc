#include "sim/roster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

SimulationConfig Config(std::vector<std::string> clients) {
  SimulationConfig config;
  config.data = "synthetic:5,360";
  config.clients = std::move(clients);
  return config;
}

TEST(ParseRosterEntryTest, TakesWhatIsLeftOutFromTheSection) {
  SimulationConfig config = Config({});
  config.partition = "dirichlet:0.5";
  config.seed = 9;
  ASSERT_OK_AND_ASSIGN(const RosterEntry entry,
                       ParseRosterEntry("site-2  part=2/6", config));
  EXPECT_EQ(entry.name.value, "site-2");
  EXPECT_EQ(entry.data, "synthetic:5,360");
  ASSERT_TRUE(entry.part.has_value());
  EXPECT_EQ(entry.part->index, 1);
  EXPECT_EQ(entry.part->count, 6);
  EXPECT_EQ(entry.part->seed, 9u);
  EXPECT_EQ(ToString(entry.part->partition), "dirichlet:0.5");
  EXPECT_FALSE(entry.resolution.has_value());
}

TEST(ParseRosterEntryTest, ReadsEveryKey) {
  ASSERT_OK_AND_ASSIGN(
      const RosterEntry entry,
      ParseRosterEntry("b data=idx:DIR part=1/2 partition=classes:2 seed=3 "
                       "resolution=24x36",
                       Config({})));
  EXPECT_EQ(entry.data, "idx:DIR");
  EXPECT_EQ(entry.part->seed, 3u);
  EXPECT_EQ(ToString(entry.part->partition), "classes:2");
  EXPECT_EQ(entry.resolution, (ImageSize{24, 36}));
}

struct BadEntry {
  std::string text;
  std::string message;
};

class BadEntryTest : public ::testing::TestWithParam<BadEntry> {};

TEST_P(BadEntryTest, IsNamedWithTheWayOut) {
  EXPECT_THAT(
      ParseRosterEntry(GetParam().text, Config({})),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadEntryTest,
    ::testing::Values(BadEntry{"", "no name"}, BadEntry{"a/b", "name 'a/b'"},
                      BadEntry{"a resolutoin=14", "did you mean 'resolution'"},
                      BadEntry{"a resolution", "resolution= needs a value"},
                      BadEntry{"a resolution=big", "'big'"},
                      BadEntry{"a part=7/6", "1 <= I <= N"},
                      BadEntry{"a part=2", "1 <= I <= N"},
                      BadEntry{"a part=1/2 seed=x", "seed=x"},
                      BadEntry{"a part=1/2 partition=idd",
                               "did you mean 'iid'"}));

TEST(RosterPopulationTest, SortsClientsByNameAndHoldsTheirImages) {
  ASSERT_OK_AND_ASSIGN(
      const auto population,
      RosterPopulation::Create(
          Config({"b part=2/6 resolution=20", "a part=1/6 resolution=14"}),
          {}));
  ASSERT_EQ(population->size(), 2u);
  EXPECT_EQ(population->NameOf(0).value, "a");
  ASSERT_OK_AND_ASSIGN(const auto data, population->DataOf(0));
  EXPECT_EQ(data->size(), 60);
  EXPECT_EQ(data->image_size(0), (ImageSize{14, 14}));
  EXPECT_EQ(population->PixelsOf(0), 60 * 14 * 14);
}

// The promise that a roster is what real clients would hold.
TEST(RosterPopulationTest, HoldsTheBytesOfAClientProgram) {
  ASSERT_OK_AND_ASSIGN(
      const auto population,
      RosterPopulation::Create(Config({"a part=3/6 resolution=24x36"}), {}));
  ASSERT_OK_AND_ASSIGN(const auto simulated, population->DataOf(0));
  LoadOptions options;
  options.part = DataPart{.partition = {}, .index = 2, .count = 6, .seed = 1};
  options.resolution = ImageSize{24, 36};
  const auto real =
      LoadData(ParseDataSpec("synthetic:5,360").value(), options).value().data;
  ASSERT_EQ(simulated->size(), real->size());
  std::vector<float> a(24 * 36), b(24 * 36);
  for (std::int64_t i = 0; i < real->size(); ++i) {
    EXPECT_EQ(simulated->label(i), real->label(i));
    simulated->Read(i, {{0.5f}, {0.5f}}, a);
    real->Read(i, {{0.5f}, {0.5f}}, b);
    ASSERT_EQ(a, b) << "image " << i;
  }
}

TEST(RosterPopulationTest, TheRivalResizesWhatClientsHave) {
  SimulationConfig config = Config({"a part=1/6 resolution=14"});
  config.resize = "28";
  ASSERT_OK_AND_ASSIGN(const auto population,
                       RosterPopulation::Create(config, {}));
  ASSERT_OK_AND_ASSIGN(const auto data, population->DataOf(0));
  EXPECT_EQ(data->image_size(0), (ImageSize{28, 28}));
}

// Before any image is brought to a size that takes all memory.
TEST(RosterPopulationTest, RefusesASizeThatTheModelDoesNotTake) {
  SharedForm form;
  form.check_image = [](ImageSize size) -> Status {
    if (size.height <= 100) return absl::OkStatus();
    return absl::InvalidArgumentError(size.ToString() + " is too large");
  };
  SimulationConfig config = Config({"a part=1/6 resolution=2800"});
  EXPECT_THAT(RosterPopulation::Create(config, form),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("a: 2800x2800 is too large")));
  config.resize = "280";
  EXPECT_THAT(RosterPopulation::Create(config, form),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("280x280 is too large")));
  EXPECT_OK(RosterPopulation::Create(Config({"a part=1/6 resolution=14"}), form)
                .status());
}

TEST(RosterPopulationTest, ANameComesOnce) {
  EXPECT_THAT(
      RosterPopulation::Create(Config({"a", "b", "a"}), {}),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr("'a' comes twice")));
}

}  // namespace
}  // namespace fedgap
