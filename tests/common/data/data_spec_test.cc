#include "common/data/data_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/base/file_io.h"
#include "tests/common/data/image_files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

using DataKind = DataSpec::Kind;

TEST(DataSpecTest, ReadsEveryKind) {
  ASSERT_OK_AND_ASSIGN(DataSpec spec, ParseDataSpec("idx:/a/b:c"));
  EXPECT_EQ(spec.kind, DataKind::kIdx);
  EXPECT_EQ(spec.path, "/a/b:c");
  ASSERT_OK_AND_ASSIGN(spec, ParseDataSpec("folder:x"));
  EXPECT_EQ(spec.kind, DataKind::kFolder);
  EXPECT_EQ(spec.path, "x");
  ASSERT_OK_AND_ASSIGN(spec, ParseDataSpec("fashion-mnist"));
  EXPECT_EQ(spec.kind, DataKind::kFashionMnist);
  ASSERT_OK_AND_ASSIGN(spec, ParseDataSpec("synthetic:7,300"));
  EXPECT_EQ(spec.kind, DataKind::kSynthetic);
  EXPECT_EQ(spec.seed, 7u);
  EXPECT_EQ(spec.samples, 300);
}

TEST(DataSpecTest, SaysWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "expected idx:DIR"},
      {"folders:x", "did you mean 'folder'"},
      {"folder", "needs a directory"},
      {"idx:", "needs a directory"},
      {"fashion-mnist:x", "takes no value"},
      {"synthetic", "synthetic:SEED,N"},
      {"synthetic:1", "synthetic:SEED,N"},
      {"synthetic:1,0", "N from 1"},
      {"synthetic:-1,5", "synthetic:SEED,N"},
      {"synthetic:1,5x", "synthetic:SEED,N"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_THAT(ParseDataSpec(text), Fails(kInvalid, HasSubstr(message)))
        << text;
  }
}

TEST(LoadDataTest, SyntheticHasMixedSizesAndBalancedClasses) {
  ASSERT_OK_AND_ASSIGN(const LoadedData train,
                       LoadData({DataKind::kSynthetic, {}, 1, 400}, {}));
  std::vector<int> counts(4, 0);
  std::set<ImageSize> sizes;
  for (std::int64_t i = 0; i < train.data->size(); ++i) {
    ++counts[static_cast<std::size_t>(train.data->label(i))];
    sizes.insert(train.data->image_size(i));
  }
  EXPECT_THAT(counts, Each(100));
  EXPECT_GT(sizes.size(), 200u);
  EXPECT_EQ(train.data->channels(), 1);
  LoadOptions options;
  options.split = DataSplit::kTest;
  ASSERT_OK_AND_ASSIGN(const LoadedData test,
                       LoadData({DataKind::kSynthetic, {}, 1, 400}, options));
  EXPECT_EQ(test.data->size(), 100);
  EXPECT_NE(test.data->image_size(0), train.data->image_size(0));
}

TEST(LoadDataTest, SyntheticIsTheSameForeverAndGrowsAtItsEnd) {
  ASSERT_OK_AND_ASSIGN(const LoadedData few,
                       LoadData({DataKind::kSynthetic, {}, 1, 5}, {}));
  ASSERT_OK_AND_ASSIGN(const LoadedData many,
                       LoadData({DataKind::kSynthetic, {}, 1, 50}, {}));
  for (std::int64_t i = 0; i < 5; ++i) {
    const auto a = few.data->pixels(i);
    const auto b = many.data->pixels(i);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
  }
}

TEST(LoadDataTest, TakesDisjointPartsAndResizesThem) {
  LoadOptions options;
  options.resolution = ImageSize{14, 10};
  std::int64_t total = 0;
  for (int i = 0; i < 3; ++i) {
    options.part = DataPart{{}, i, 3, 9};
    ASSERT_OK_AND_ASSIGN(const LoadedData loaded,
                         LoadData({DataKind::kSynthetic, {}, 1, 100}, options));
    total += loaded.data->size();
    EXPECT_EQ(loaded.report.loaded, 100);
    EXPECT_EQ(loaded.data->image_size(0), (ImageSize{14, 10}));
  }
  EXPECT_EQ(total, 100);
}

TEST(LoadDataTest, RefusesAPartOutOfRangeAndOddChannels) {
  LoadOptions options;
  options.part = DataPart{{}, 3, 3, 9};
  EXPECT_THAT(LoadData({DataKind::kSynthetic, {}, 1, 100}, options),
              Fails(kInvalid, HasSubstr("part 3 of 3")));
  options = {};
  options.channels = 2;
  EXPECT_THAT(LoadData({DataKind::kSynthetic, {}, 1, 100}, options),
              Fails(kInvalid, HasSubstr("2 channels")));
}

TEST(LoadDataTest, ConvertsGreyToTheModelsChannels) {
  TempDir dir;
  const auto write = [&](const char* name, const Bytes& bytes) {
    ASSERT_OK(WriteFileAtomic(dir / name, bytes, {.sync = false}));
  };
  write("train-images-idx3-ubyte", EncodeIdx({1, 1, 2}, {4, 5}));
  write("train-labels-idx1-ubyte", EncodeIdx({1}, {0}));
  LoadOptions options;
  options.channels = 3;
  ASSERT_OK_AND_ASSIGN(const LoadedData loaded,
                       LoadData({DataKind::kIdx, dir.path()}, options));
  EXPECT_THAT(loaded.data->pixels(0), ElementsAre(4, 4, 4, 5, 5, 5));
}

TEST(LoadDataTest, RefusesASetWithoutSamples) {
  TempDir dir;
  ASSERT_OK(WriteFileAtomic(dir / "train-images-idx3-ubyte",
                            EncodeIdx({0, 1, 2}, {}), {.sync = false}));
  ASSERT_OK(WriteFileAtomic(dir / "train-labels-idx1-ubyte", EncodeIdx({0}, {}),
                            {.sync = false}));
  EXPECT_THAT(LoadData({DataKind::kIdx, dir.path()}, {}),
              Fails(kInvalid, HasSubstr("no samples")));
}

TEST(LoadDataTest, SaysHowToInstallFashionMnist) {
  DataSpec spec{DataKind::kFashionMnist, "/nonexistent"};
  EXPECT_THAT(LoadData(spec, {}),
              Fails(absl::StatusCode::kNotFound,
                    HasSubstr("apt install dataset-fashion-mnist")));
}

TEST(LoadDataTest, ReportsWhatAFolderSkipped) {
  TempDir dir;
  std::filesystem::create_directories(dir / "a");
  for (int i = 0; i < 200; ++i) {
    ASSERT_OK(WriteFileAtomic(dir / ("a/" + std::to_string(i) + ".pgm"),
                              i == 3 ? "P5" : "P2 1 1 255 1", {.sync = false}));
  }
  LoadOptions options;
  options.split = DataSplit::kAll;
  options.on_bad_image = OnBadImage::kSkip;
  ASSERT_OK_AND_ASSIGN(const LoadedData loaded,
                       LoadData({DataKind::kFolder, dir.path()}, options));
  EXPECT_EQ(loaded.report.loaded, 199);
  EXPECT_EQ(loaded.report.skipped.size(), 1u);
  EXPECT_EQ(loaded.data->channels(), 3);
}

}  // namespace
}  // namespace fedgap
