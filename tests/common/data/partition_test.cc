#include "common/data/partition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/data/image_dataset.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using PartitionKind = PartitionSpec::Kind;
using Parts = std::vector<std::vector<std::uint32_t>>;

std::vector<std::int32_t> BalancedLabels(int samples, int classes) {
  std::vector<std::int32_t> labels;
  for (int i = 0; i < samples; ++i) labels.push_back(i * 7 % classes);
  return labels;
}

void ExpectOwnedOnce(const Parts& parts, std::size_t samples) {
  std::vector<int> owners(samples, 0);
  for (const auto& part : parts) {
    EXPECT_FALSE(part.empty());
    EXPECT_TRUE(std::is_sorted(part.begin(), part.end()));
    for (const std::uint32_t i : part) ++owners.at(i);
  }
  EXPECT_EQ(std::count(owners.begin(), owners.end(), 1),
            static_cast<std::ptrdiff_t>(samples));
}

class EveryPartitionTest : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryPartitionTest, OwnsEachSampleOnceForManySeedsAndSizes) {
  ASSERT_OK_AND_ASSIGN(const PartitionSpec spec,
                       ParsePartitionSpec(GetParam()));
  for (const int clients : {1, 2, 5, 10, 13}) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      const auto labels = BalancedLabels(2003, 10);
      StatusOr<Parts> parts = Partition(labels, 10, clients, spec, seed);
      if (spec.kind == PartitionKind::kClasses &&
          clients * spec.classes_per_client < 10) {
        EXPECT_THAT(parts, HasCode(kInvalid));
        continue;
      }
      ASSERT_OK(parts);
      ASSERT_EQ(parts->size(), static_cast<std::size_t>(clients));
      ExpectOwnedOnce(*parts, labels.size());
    }
  }
}

TEST_P(EveryPartitionTest, IsAFunctionOfItsSeed) {
  ASSERT_OK_AND_ASSIGN(const PartitionSpec spec,
                       ParsePartitionSpec(GetParam()));
  const auto labels = BalancedLabels(1000, 10);
  ASSERT_OK_AND_ASSIGN(const Parts a, Partition(labels, 10, 12, spec, 1));
  ASSERT_OK_AND_ASSIGN(const Parts b, Partition(labels, 10, 12, spec, 1));
  ASSERT_OK_AND_ASSIGN(const Parts c, Partition(labels, 10, 12, spec, 2));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, EveryPartitionTest,
    ::testing::Values("iid", "dirichlet:0.5", "dirichlet:0.1,min=1",
                      "dirichlet:100", "classes:1", "classes:2", "classes:3",
                      "classes:10", "quantity:0.5", "quantity:2,min=1"));

TEST(PartitionTest, IidPartsAreEqual) {
  const auto labels = BalancedLabels(103, 10);
  ASSERT_OK_AND_ASSIGN(const Parts parts, Partition(labels, 10, 10, {}, 3));
  for (const auto& part : parts) {
    EXPECT_GE(part.size(), 10u);
    EXPECT_LE(part.size(), 11u);
  }
}

TEST(PartitionTest, ClassesGivesEachClientThatManyClasses) {
  const auto labels = BalancedLabels(1000, 10);
  for (const int per_client : {1, 2, 3}) {
    const PartitionSpec spec{.kind = PartitionKind::kClasses,
                             .classes_per_client = per_client};
    ASSERT_OK_AND_ASSIGN(const Parts parts, Partition(labels, 10, 20, spec, 5));
    for (std::size_t c = 0; c < parts.size(); ++c) {
      std::set<int> held;
      for (const std::uint32_t i : parts[c]) held.insert(labels[i]);
      EXPECT_EQ(held.size(), static_cast<std::size_t>(per_client));
      EXPECT_TRUE(held.contains(static_cast<int>(c % 10)));
    }
  }
}

TEST(PartitionTest, ClassesCoversAllWithFewClientsAndIgnoresAbsentOnes) {
  const auto labels = BalancedLabels(600, 10);
  const PartitionSpec spec{.kind = PartitionKind::kClasses,
                           .classes_per_client = 4};
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    ASSERT_OK_AND_ASSIGN(const Parts parts,
                         Partition(labels, 100, 3, spec, seed));
    ExpectOwnedOnce(parts, labels.size());
  }
}

TEST(PartitionTest, DirichletHasTheLeastSizeAndSkewsByAlpha) {
  const auto labels = BalancedLabels(5000, 10);
  const auto most_of_one_class = [&](double alpha) {
    PartitionSpec spec{.kind = PartitionKind::kDirichlet, .alpha = alpha};
    StatusOr<Parts> parts = Partition(labels, 10, 10, spec, 11);
    EXPECT_OK(parts);
    double sum = 0;
    for (const auto& part : *parts) {
      EXPECT_GE(part.size(), 10u);
      std::vector<int> counts(10, 0);
      for (const std::uint32_t i : part) {
        ++counts[static_cast<std::size_t>(labels[i])];
      }
      sum += *std::max_element(counts.begin(), counts.end()) /
             static_cast<double>(part.size());
    }
    return sum / 10;
  };
  EXPECT_GT(most_of_one_class(0.1), 0.5);
  EXPECT_LT(most_of_one_class(100), 0.2);
}

TEST(PartitionTest, NamesTheClientThatWouldBeEmpty) {
  EXPECT_THAT(Partition(BalancedLabels(3, 3), 3, 5, {}, 0),
              Fails(kInvalid, AllOf(HasSubstr("client 3 of 5"),
                                    HasSubstr("only 3 samples"))));
  // Class 1 has one sample but two holders.
  const std::vector<std::int32_t> labels = {0, 0, 0, 0, 0, 1};
  EXPECT_THAT(
      Partition(labels, 2, 4,
                {.kind = PartitionKind::kClasses, .classes_per_client = 1}, 0),
      Fails(kInvalid, HasSubstr("empty partition: client 3 of 4")));
}

TEST(PartitionTest, SaysWhenNoDrawCanDo) {
  EXPECT_THAT(Partition(BalancedLabels(90, 10), 10, 10,
                        {.kind = PartitionKind::kDirichlet}, 0),
              Fails(kInvalid, HasSubstr("cannot give each of 10 clients 10")));
  EXPECT_THAT(Partition(BalancedLabels(1000, 10), 10, 100,
                        {.kind = PartitionKind::kQuantity, .alpha = 0.01}, 0),
              Fails(kInvalid, HasSubstr("none of 10000 draws")));
  EXPECT_THAT(
      Partition(BalancedLabels(90, 10), 10, 10,
                {.kind = PartitionKind::kClasses, .classes_per_client = 11}, 0),
      Fails(kInvalid, HasSubstr("10 classes only")));
}

TEST(PartitionByTrackTest, NeverPartsATrack) {
  ImageDataset::Builder builder(1, {"a", "b"});
  const std::vector<std::uint8_t> pixel = {0};
  for (int i = 0; i < 400; ++i) {
    const int track = i / 4;
    ASSERT_OK(builder.Add(pixel, {1, 1}, track % 2, track));
  }
  const ImageDataset data = std::move(builder).Build();
  for (const char* text : {"iid", "dirichlet:0.5,min=3", "classes:1"}) {
    ASSERT_OK_AND_ASSIGN(const PartitionSpec spec, ParsePartitionSpec(text));
    ASSERT_OK_AND_ASSIGN(const Parts parts, PartitionByTrack(data, 5, spec, 7));
    ExpectOwnedOnce(parts, 400);
    std::set<int> seen;
    for (const auto& part : parts) {
      std::set<int> here;
      for (const std::uint32_t i : part) here.insert(data.track(i));
      for (const int track : here) EXPECT_TRUE(seen.insert(track).second);
    }
  }
}

TEST(PartitionByTrackTest, WithoutTracksEqualsPartition) {
  ImageDataset::Builder builder(1, {"a", "b", "c"});
  const std::vector<std::uint8_t> pixel = {0};
  for (int i = 0; i < 100; ++i) ASSERT_OK(builder.Add(pixel, {1, 1}, i % 3));
  const ImageDataset data = std::move(builder).Build();
  ASSERT_OK_AND_ASSIGN(const Parts by_track, PartitionByTrack(data, 4, {}, 7));
  ASSERT_OK_AND_ASSIGN(const Parts plain, Partition(Labels(data), 3, 4, {}, 7));
  EXPECT_EQ(by_track, plain);
}

TEST(PartitionSpecTest, ReadsAndWritesEveryKind) {
  for (const char* text : {"iid", "dirichlet:0.5", "dirichlet:0.1,min=1",
                           "classes:2", "quantity:0.5"}) {
    ASSERT_OK_AND_ASSIGN(const PartitionSpec spec, ParsePartitionSpec(text));
    EXPECT_EQ(ToString(spec), text);
  }
}

TEST(PartitionSpecTest, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "expected iid"},
      {"dirichlt:0.5", "did you mean 'dirichlet'"},
      {"dirichlet", "needs a concentration"},
      {"dirichlet:0", "needs a concentration"},
      {"dirichlet:-1", "needs a concentration"},
      {"dirichlet:nan", "needs a concentration"},
      {"dirichlet:0.5x", "needs a concentration"},
      {"dirichlet:0.5,min=0", "not min=N"},
      {"dirichlet:0.5,most=3", "not min=N"},
      {"quantity:inf", "needs a concentration"},
      {"iid:3", "takes no value"},
      {"iid,min=3", "takes no option"},
      {"classes:0", "needs a number"},
      {"classes:2.5", "needs a number"},
      {"classes:2,min=1", "takes no option"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(ParsePartitionSpec(text), Fails(kInvalid, HasSubstr(message)))
        << text;
  }
}

}  // namespace
}  // namespace fedgap
