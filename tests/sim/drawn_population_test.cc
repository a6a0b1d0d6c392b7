#include "sim/drawn_population.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

SimulationConfig Config() {
  SimulationConfig config;
  config.data = "synthetic:5,400";
  config.population = 20;
  return config;
}

std::unique_ptr<DrawnPopulation> MakeDrawn(const SimulationConfig& config) {
  return DrawnPopulation::Create(config, {}).value();
}

TEST(DrawnPopulationTest, NamesAscendWithTheirIndices) {
  SimulationConfig config = Config();
  config.population = 1'000'000;
  config.partition = "virtual";
  const auto population = MakeDrawn(config);
  EXPECT_EQ(population->size(), 1'000'000u);
  EXPECT_EQ(population->NameOf(0).value, "client-000000");
  EXPECT_EQ(population->NameOf(999'999).value, "client-999999");
  EXPECT_LT(population->NameOf(9).value, population->NameOf(10).value);
}

TEST(DrawnPopulationTest, AStoredPartitionOwnsEverySampleOnce) {
  const auto population = MakeDrawn(Config());
  std::set<std::uint32_t> owned;
  for (std::size_t i = 0; i < population->size(); ++i) {
    const auto samples = population->SamplesOf(i);
    EXPECT_EQ(samples.size(), 20u);
    owned.insert(samples.begin(), samples.end());
  }
  EXPECT_EQ(owned.size(), 400u);
}

TEST(DrawnPopulationTest, VirtualClientsAreAFunctionOfSeedAndName) {
  SimulationConfig config = Config();
  config.partition = "virtual";
  config.samples_per_client = 50;
  const auto population = MakeDrawn(config);
  EXPECT_EQ(population->SamplesOf(3).size(), 50u);
  EXPECT_EQ(MakeDrawn(config)->SamplesOf(3), population->SamplesOf(3));
  EXPECT_NE(population->SamplesOf(3), population->SamplesOf(4));
  config.seed = 2;
  EXPECT_NE(MakeDrawn(config)->SamplesOf(3), population->SamplesOf(3));
}

TEST(DrawnPopulationTest, VirtualSamplesComeEquallyOften) {
  SimulationConfig config = Config();
  config.population = 400;
  config.partition = "virtual";
  config.samples_per_client = 100;
  const auto population = MakeDrawn(config);
  std::map<std::uint32_t, int> drawn;
  for (std::size_t i = 0; i < population->size(); ++i) {
    for (const std::uint32_t sample : population->SamplesOf(i)) ++drawn[sample];
  }
  EXPECT_EQ(drawn.size(), 400u);
  for (const auto& [sample, count] : drawn) EXPECT_NEAR(count, 100, 50);
}

TEST(DrawnPopulationTest, VirtualClassesMayBeSkewed) {
  SimulationConfig config = Config();
  config.partition = "virtual:0.05";
  const auto population = MakeDrawn(config);
  int skewed = 0;
  for (std::size_t i = 0; i < population->size(); ++i) {
    const auto data = population->DataOf(i).value();
    std::map<int, int> labels;
    for (std::int64_t k = 0; k < data->size(); ++k) ++labels[data->label(k)];
    const auto most = std::ranges::max_element(
        labels, {}, [](const auto& entry) { return entry.second; });
    skewed += most->second > data->size() * 3 / 4;
  }
  EXPECT_GT(skewed, 10);  // of 20; none of them where classes are even
}

TEST(DrawnPopulationTest, EveryClientHasASizeByTheShares) {
  SimulationConfig config = Config();
  config.population = 1000;
  config.partition = "virtual";
  config.samples_per_client = 3;
  config.resolutions = "14:0.25, 28:0.75";
  const auto population = MakeDrawn(config);
  int small = 0;
  for (std::size_t i = 0; i < population->size(); ++i) {
    small += population->SizeOf(i) == ImageSize{14, 14};
  }
  EXPECT_NEAR(small, 250, 50);
  const auto data = population->DataOf(7).value();
  for (std::int64_t k = 0; k < data->size(); ++k) {
    EXPECT_EQ(data->image_size(k), population->SizeOf(7));
  }
  EXPECT_EQ(population->PixelsOf(7), 3 * population->SizeOf(7).pixels());
}

TEST(DrawnPopulationTest, SizesMayFollowTheClasses) {
  SimulationConfig config = Config();
  config.resolutions = "14, 28";
  config.size_class_correlation = 1;
  const auto data = MakeDrawn(config)->DataOf(0).value();
  for (std::int64_t k = 0; k < data->size(); ++k) {
    EXPECT_EQ(data->image_size(k).height, data->label(k) % 2 == 0 ? 14 : 28);
  }
}

TEST(DrawnPopulationTest, LargerImagesMayComeWithMoreSamples) {
  SimulationConfig config = Config();
  config.partition = "virtual";
  config.samples_per_client = 100;
  config.resolutions = "10:1, 30:1";  // 100 and 900 pixels, 500 on average
  config.samples_by_pixels = 1;
  const auto population = MakeDrawn(config);
  for (std::size_t i = 0; i < population->size(); ++i) {
    const bool small = population->SizeOf(i).height == 10;
    EXPECT_EQ(population->SamplesOf(i).size(), small ? 20u : 180u);
  }
}

TEST(DrawnPopulationTest, WithoutSizesImagesAreSharedNotCopied) {
  SimulationConfig config = Config();
  const auto population = MakeDrawn(config);
  const auto data = population->DataOf(0).value();
  std::set<std::pair<int, int>> sizes;
  for (std::int64_t k = 0; k < data->size(); ++k) {
    sizes.insert({data->image_size(k).height, data->image_size(k).width});
  }
  EXPECT_GT(sizes.size(), 5u);  // synthetic images are all different
}

// Before any image is brought to a size that takes all memory.
TEST(DrawnPopulationTest, RefusesASizeThatTheModelDoesNotTake) {
  SharedForm form;
  form.check_image = [](ImageSize size) -> Status {
    if (size.height <= 100) return absl::OkStatus();
    return absl::InvalidArgumentError(size.ToString() + " is too large");
  };
  SimulationConfig config = Config();
  config.resolutions = "14:0.5, 2800:0.5";
  EXPECT_THAT(DrawnPopulation::Create(config, form),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("simulation.resolutions: 2800x2800 is too")));
  config.resize = "280";
  EXPECT_THAT(DrawnPopulation::Create(config, form),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("simulation.resize: 280x280 is too large")));
  config.resize = "28";
  EXPECT_OK(DrawnPopulation::Create(config, form).status());
}

struct BadSetting {
  void (*change)(SimulationConfig&);
  std::string message;
};

class BadSettingTest : public ::testing::TestWithParam<BadSetting> {};

TEST_P(BadSettingTest, IsRefusedAtOnce) {
  SimulationConfig config = Config();
  GetParam().change(config);
  EXPECT_THAT(
      DrawnPopulation::Create(config, {}),
      Fails(absl::StatusCode::kInvalidArgument, HasSubstr(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadSettingTest,
    ::testing::Values(
        BadSetting{[](SimulationConfig& c) { c.data = ""; },
                   "simulation.data is empty"},
        BadSetting{[](SimulationConfig& c) { c.population = 401; },
                   "virtual draws with replacement"},
        BadSetting{[](SimulationConfig& c) { c.partition = "virtual:x"; },
                   "virtual:ALPHA"},
        BadSetting{[](SimulationConfig& c) { c.partition = "virtually"; },
                   "virtual:ALPHA"},
        BadSetting{[](SimulationConfig& c) { c.resolutions = "14:a"; },
                   "simulation.resolutions"},
        BadSetting{[](SimulationConfig& c) { c.size_class_correlation = 1; },
                   "needs simulation.resolutions"},
        BadSetting{[](SimulationConfig& c) { c.samples_by_pixels = 1; },
                   "needs partition virtual"},
        BadSetting{[](SimulationConfig& c) { c.resize = "x"; }, "'x'"}));

}  // namespace
}  // namespace fedgap
