#include "server/aggregation/prototypes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace fedgap {
namespace {

using ::testing::ElementsAre;

struct Holder {
  ClientCounts counts;
  PooledStatistics pooled;
};

// Two classes, two channels.
Holder Client(std::string name, std::int64_t samples, PooledStatistics pooled) {
  return {{{std::move(name)}, {{0, samples, 100 * samples}}},
          std::move(pooled)};
}

PooledAggregate AggregateOf(Weighting weighting,
                            const std::vector<Holder>& cohort) {
  std::vector<ClientPooled> clients;
  for (const Holder& holder : cohort) {
    clients.push_back({holder.counts, &holder.pooled});
  }
  return AggregatePooled(weighting, /*classes=*/2, /*channels=*/2, clients);
}

std::vector<Holder> Holders() {
  return {Client("a", 10, {{{0, 10, {1, 2}, {10, 0}, {1, 2, 0, 0}}}}),
          Client("b", 30, {{{0, 30, {5, 6}, {20, 0}, {5, 8, 0, 0}}}})};
}

TEST(AggregatePooledTest, WeightsAsTheRoundDoes) {
  const PooledAggregate by_client = AggregateOf(Weighting::kClient, Holders());
  EXPECT_THAT(by_client.mean, ElementsAre(3, 4));
  EXPECT_THAT(by_client.prototypes.means, ElementsAre(3, 5, 0, 0));
  EXPECT_THAT(by_client.prototypes.held, ElementsAre(true, false));
  const PooledAggregate by_samples =
      AggregateOf(Weighting::kSamples, Holders());
  EXPECT_THAT(by_samples.mean, ElementsAre(4, 5));
  EXPECT_THAT(by_samples.prototypes.means, ElementsAre(4, 6.5, 0, 0));
}

TEST(AggregatePooledTest, OnlyClientsThatHoldAClassCountForIt) {
  std::vector<Holder> cohort = Holders();
  cohort.push_back(
      Client("c", 100, {{{0, 100, {9, 9}, {0, 90}, {0, 0, 7, 3}}}}));
  const PooledAggregate result = AggregateOf(Weighting::kClient, cohort);
  EXPECT_THAT(result.prototypes.means, ElementsAre(3, 5, 7, 3));
  EXPECT_THAT(result.prototypes.held, ElementsAre(true, true));
}

TEST(AggregatePooledTest, AClientsGroupsCountByTheirSamples) {
  Holder mixed;
  mixed.counts = {{"m"}, {{0, 10, 100}, {1, 30, 900}}};
  mixed.pooled.groups = {{0, 10, {0, 4}, {8, 0}, {2, 2, 0, 0}},
                         {1, 30, {4, 0}, {24, 0}, {6, 10, 0, 0}}};
  const PooledAggregate result = AggregateOf(Weighting::kClient, {mixed});
  EXPECT_THAT(result.mean, ElementsAre(3, 1));
  EXPECT_THAT(result.prototypes.means, ElementsAre(5, 8, 0, 0));
}

TEST(AggregatePooledTest, WithoutClassesThereAreNoPrototypes) {
  std::vector<Holder> cohort = {Client("a", 4, {{{0, 4, {1, 2}, {}, {}}}}),
                                Client("b", 4, {})};
  PooledAggregate result = AggregateOf(Weighting::kClient, cohort);
  EXPECT_THAT(result.mean, ElementsAre(1, 2));
  EXPECT_TRUE(result.prototypes.empty());
  cohort[0].pooled = {};
  result = AggregateOf(Weighting::kClient, cohort);
  EXPECT_TRUE(result.mean.empty());
  EXPECT_TRUE(AggregateOf(Weighting::kGroup, {}).mean.empty());
}

TEST(AggregatePooledTest, TheOrderOfArrivalDoesNotChangeABit) {
  std::vector<Holder> cohort;
  for (int i = 0; i < 9; ++i) {
    const float x = 1.0f / static_cast<float>(i + 3);
    cohort.push_back(Client("client" + std::to_string(i), 10 + i,
                            {{{0, 10, {x, x * x}, {8, 0}, {x, 1 - x, 0, 0}}}}));
  }
  const PooledAggregate first = AggregateOf(Weighting::kSamples, cohort);
  std::ranges::reverse(cohort);
  const PooledAggregate second = AggregateOf(Weighting::kSamples, cohort);
  EXPECT_EQ(first.mean, second.mean);
  EXPECT_EQ(first.prototypes.means, second.prototypes.means);
}

}  // namespace
}  // namespace fedgap
