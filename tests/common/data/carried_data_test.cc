// Real data that stands beside a development checkout, not in the project.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "common/data/data_spec.h"
#include "common/data/held_out.h"
#include "common/data/partition.h"
#include "common/data/summary.h"
#include "tests/testing/project_tree.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::Each;

class GtsrbTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = SourceDir() / "../shared/data/gtsrb_natural";
    if (!std::filesystem::is_directory(root_)) {
      GTEST_SKIP() << root_ << " is not there";
    }
  }
  LoadedData Load(DataSplit split) {
    LoadOptions options;
    options.split = split;
    StatusOr<LoadedData> loaded =
        LoadData({DataSpec::Kind::kFolder, root_}, options);
    EXPECT_OK(loaded);
    return *std::move(loaded);
  }
  static std::set<int> Tracks(const DataSource& data) {
    std::set<int> tracks;
    for (std::int64_t i = 0; i < data.size(); ++i) tracks.insert(data.track(i));
    return tracks;
  }
  std::filesystem::path root_;
};

TEST_F(GtsrbTest, HasTheSizesThatItsSourceStates) {
  const LoadedData loaded = Load(DataSplit::kAll);
  const DataSummary summary = Summarize(*loaded.data, {});
  EXPECT_EQ(summary.samples, 1728);
  EXPECT_EQ(summary.channels, 3);
  EXPECT_THAT(summary.class_counts, Each(144));
  EXPECT_EQ(summary.class_counts.size(), 12u);
  EXPECT_EQ(summary.distinct_sizes, 748);
  EXPECT_EQ(summary.min_side, 25);
  EXPECT_EQ(summary.max_side, 219);
  EXPECT_GT(summary.not_square, 864);
  EXPECT_EQ(summary.tracks, 12 * 18);
  EXPECT_TRUE(loaded.report.skipped.empty());
}

TEST_F(GtsrbTest, SplitsPartitionsAndHoldsOutByTrack) {
  const LoadedData train = Load(DataSplit::kTrain);
  const LoadedData test = Load(DataSplit::kTest);
  EXPECT_EQ(train.data->size() + test.data->size(), 1728);
  EXPECT_NEAR(static_cast<double>(test.data->size()), 0.2 * 1728, 8);
  const std::set<int> train_tracks = Tracks(*train.data);
  for (const int track : Tracks(*test.data)) {
    EXPECT_FALSE(train_tracks.contains(track));
  }
  ASSERT_OK_AND_ASSIGN(const auto parts,
                       PartitionByTrack(*train.data, 6, {}, 1));
  std::set<int> seen;
  for (const auto& part : parts) {
    for (const int track : Tracks(Subset(*train.data, part))) {
      EXPECT_TRUE(seen.insert(track).second);
    }
  }
  const HeldOutSplit split = SplitHeldOut(*train.data, 0.1, 1, "client-1");
  const std::set<int> kept = Tracks(Subset(*train.data, split.training));
  for (const int track : Tracks(Subset(*train.data, split.held_out))) {
    EXPECT_FALSE(kept.contains(track));
  }
}

class FashionMnistTest : public ::testing::Test {
 protected:
  void SetUp() override {
    spec_ = *ParseDataSpec("fashion-mnist");
    if (!std::filesystem::is_directory(spec_.path)) {
      GTEST_SKIP() << "the package dataset-fashion-mnist is not installed";
    }
  }
  DataSpec spec_;
};

TEST_F(FashionMnistTest, HasItsSplitsAndBalancedClasses) {
  LoadOptions options;
  for (const DataSplit split : {DataSplit::kTrain, DataSplit::kTest}) {
    options.split = split;
    ASSERT_OK_AND_ASSIGN(const LoadedData loaded, LoadData(spec_, options));
    const DataSummary summary = Summarize(*loaded.data, {});
    EXPECT_THAT(summary.class_counts,
                Each(split == DataSplit::kTrain ? 6000 : 1000));
    EXPECT_EQ(summary.largest, (ImageSize{28, 28}));
    EXPECT_EQ(summary.class_names.back(), "Ankle boot");
  }
}

}  // namespace
}  // namespace fedgap
