#include "server/aggregation/weighting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();

std::vector<BinWeight> Weights(Weighting weighting,
                               std::vector<GroupCounts> counts) {
  return WeightsOf(weighting, counts, {}).value();
}

TEST(WeightsOfTest, AreTheFormulas) {
  const std::vector<GroupCounts> mixed = {{1, 30, 3000}, {4, 10, 9000}};
  EXPECT_THAT(Weights(Weighting::kClient, mixed),
              ::testing::ElementsAre(BinWeight{0, 1}));
  EXPECT_THAT(Weights(Weighting::kSamples, mixed),
              ::testing::ElementsAre(BinWeight{0, 40}));
  EXPECT_THAT(Weights(Weighting::kPixels, mixed),
              ::testing::ElementsAre(BinWeight{0, 12000}));
  EXPECT_THAT(Weights(Weighting::kGroup, mixed),
              ::testing::ElementsAre(BinWeight{1, 786432},    // 2^20 30 / 40
                                     BinWeight{4, 262144}));  // 2^20 10 / 40
}

TEST(WeightsOfTest, AGroupThatRoundsToNothingHasNoWeight) {
  EXPECT_THAT(
      Weights(Weighting::kGroup, {{0, 90'000'000, 90'000'000}, {1, 1, 1}}),
      ::testing::ElementsAre(BinWeight{0, 1 << 20}));
}

TEST(WeightsOfTest, StayWithinMaxWeight) {
  const ValidationConfig validation = {.max_samples = 1000, .max_pixels = 50};
  const std::vector<GroupCounts> most = {{0, 400, 20000}, {63, 600, 30000}};
  for (const Weighting weighting : {Weighting::kClient, Weighting::kGroup,
                                    Weighting::kSamples, Weighting::kPixels}) {
    const auto weights = WeightsOf(weighting, most, validation);
    ASSERT_OK(weights);
    for (const BinWeight& part : *weights) {
      EXPECT_LE(part.weight, MaxWeight(weighting, validation));
      EXPECT_LT(part.bin, BinCount(weighting));
    }
  }
  EXPECT_EQ(MaxWeight(Weighting::kPixels, validation), 50000);
  EXPECT_EQ(
      MaxWeight(Weighting::kPixels, {.max_samples = kMax, .max_pixels = kMax}),
      kMax);
}

TEST(CheckCountsTest, RefusesWhatNoClientHas) {
  const ValidationConfig validation = {.max_samples = 100, .max_pixels = 50};
  const struct {
    std::vector<GroupCounts> counts;
    const char* message;
  } kCases[] = {
      {{}, "no samples"},
      {{{0, 0, 0}}, "0 samples"},
      {{{0, -5, 10}}, "-5 samples"},
      {{{0, 101, 1010}}, "101 samples"},
      {{{0, 1'000'000'000'000'000'000, kMax}}, "validation.max_samples = 100"},
      {{{0, 60, 600}, {1, 41, 410}}, "not in [1, 40]"},
      {{{0, kMax, kMax}, {1, kMax, kMax}}, "samples in resolution group 0"},
      {{{0, 10, 9}}, "9 pixels for 10 samples"},
      {{{0, 10, -9}}, "-9 pixels"},
      {{{0, 10, 501}}, "501 pixels for 10 samples"},
      {{{0, 10, kMax}}, "validation.max_pixels"},
      {{{1, 10, 10}, {1, 10, 10}}, "1 after 1"},
      {{{1, 10, 10}, {0, 10, 10}}, "0 after 1"},
      {{{-1, 10, 10}}, "not ascending"},
      {{{64, 10, 10}}, "not ascending"},
  };
  for (const auto& test : kCases) {
    EXPECT_THAT(
        CheckCounts(test.counts, validation),
        Fails(absl::StatusCode::kInvalidArgument, HasSubstr(test.message)));
  }
  const std::vector<GroupCounts> fits = {{0, 60, 3000}, {1, 40, 40}};
  EXPECT_OK(CheckCounts(fits, validation));
}

TEST(CheckCountsTest, PixelTotalsDoNotOverflow) {
  const ValidationConfig validation = {.max_samples = kMax, .max_pixels = kMax};
  const std::vector<GroupCounts> counts = {{0, 1, kMax}, {1, 1, 1}};
  EXPECT_THAT(CheckCounts(counts, validation),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("64 bits")));
}

// Three clients: two small, one large and mixed.
std::vector<ClientCounts> Cohort() {
  return {{{"carol"}, {{0, 5, 500}, {2, 15, 13500}}},
          {{"alice"}, {{0, 10, 1000}}},
          {{"bob"}, {{0, 30, 3000}}}};
}

TEST(InfluenceOfTest, ByClientIsTheSameForEach) {
  const Influence influence = InfluenceOf(Weighting::kClient, Cohort());
  ASSERT_EQ(influence.clients.size(), 3u);
  EXPECT_EQ(influence.clients[0].client.value, "alice");
  EXPECT_EQ(influence.clients[2].client.value, "carol");
  for (const ClientInfluence& client : influence.clients) {
    EXPECT_DOUBLE_EQ(client.influence, 1.0 / 3);
  }
  ASSERT_EQ(influence.groups.size(), 2u);
  EXPECT_EQ(influence.groups[0].group, 0);
  EXPECT_DOUBLE_EQ(influence.groups[0].influence, (1 + 1 + 0.25) / 3);
  EXPECT_DOUBLE_EQ(influence.groups[1].influence, 0.75 / 3);
  EXPECT_EQ(influence.groups[0].clients, 3);
  EXPECT_EQ(influence.groups[0].samples, 45);
  EXPECT_EQ(influence.groups[0].pixels, 4500);
  // Pixel totals 1000, 3000, 14000 of 18000.
  EXPECT_DOUBLE_EQ(influence.groups[1].pixel_influence, 0.75 * 14 / 18);
}

TEST(InfluenceOfTest, BySamplesAndPixels) {
  const Influence samples = InfluenceOf(Weighting::kSamples, Cohort());
  EXPECT_DOUBLE_EQ(samples.clients[1].influence, 0.5);  // bob, 30 of 60
  const Influence pixels = InfluenceOf(Weighting::kPixels, Cohort());
  EXPECT_DOUBLE_EQ(pixels.clients[2].influence, 14.0 / 18);
  EXPECT_DOUBLE_EQ(pixels.groups[1].influence,
                   pixels.groups[1].pixel_influence);
}

TEST(InfluenceOfTest, ByGroupIsTheSameForEachGroupOfPureClients) {
  std::vector<ClientCounts> cohort = Cohort();
  cohort[0].counts = {{2, 15, 13500}};
  const Influence influence = InfluenceOf(Weighting::kGroup, cohort);
  EXPECT_DOUBLE_EQ(influence.clients[0].influence, 0.25);
  EXPECT_DOUBLE_EQ(influence.clients[1].influence, 0.25);
  EXPECT_DOUBLE_EQ(influence.clients[2].influence, 0.5);
  EXPECT_DOUBLE_EQ(influence.groups[0].influence, 0.5);
  EXPECT_DOUBLE_EQ(influence.groups[1].influence, 0.5);
}

// Group 0 holds 1 + 1 + 0.25, group 2 only carol's 0.75.
TEST(InfluenceOfTest, ByGroupSplitsMixedClients) {
  const Influence influence = InfluenceOf(Weighting::kGroup, Cohort());
  EXPECT_DOUBLE_EQ(influence.clients[0].influence, 0.5 / 2.25);
  EXPECT_DOUBLE_EQ(influence.clients[2].influence, (0.25 / 2.25 + 1) / 2);
}

TEST(InfluenceOfTest, SumsToOneInAnyOrder) {
  for (const Weighting weighting : {Weighting::kClient, Weighting::kGroup,
                                    Weighting::kSamples, Weighting::kPixels}) {
    std::vector<ClientCounts> cohort = Cohort();
    const Influence first = InfluenceOf(weighting, cohort);
    std::ranges::reverse(cohort);
    const Influence second = InfluenceOf(weighting, cohort);
    double clients = 0, groups = 0, pixels = 0;
    for (std::size_t i = 0; i < first.clients.size(); ++i) {
      EXPECT_EQ(first.clients[i].influence, second.clients[i].influence);
      clients += first.clients[i].influence;
    }
    for (std::size_t g = 0; g < first.groups.size(); ++g) {
      EXPECT_EQ(first.groups[g].influence, second.groups[g].influence);
      groups += first.groups[g].influence;
      pixels += first.groups[g].pixel_influence;
    }
    EXPECT_NEAR(clients, 1, 1e-15);
    EXPECT_NEAR(groups, 1, 1e-15);
    EXPECT_NEAR(pixels, 1, 1e-15);
  }
}

}  // namespace
}  // namespace fedgap
