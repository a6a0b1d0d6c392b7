#include "common/data/folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/base/file_io.h"
#include "tests/common/data/image_files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class FolderTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const Bytes& bytes) {
    std::filesystem::create_directories((dir_ / name).parent_path());
    ASSERT_OK(WriteFileAtomic(dir_ / name, bytes, {.sync = false}));
  }
  // A grey image of one pixel with the given value.
  void WritePixel(const std::string& name, int value) {
    Write(name, ToBytes("P2 1 1 255 " + std::to_string(value)));
  }
  StatusOr<FolderData> Read(FolderOptions options = All()) {
    return ReadFolder(dir_.path(), options);
  }
  static FolderOptions All() {
    FolderOptions options;
    options.decode.channels = 1;
    options.split = DataSplit::kAll;
    return options;
  }
  static FolderOptions Part(DataSplit split) {
    FolderOptions options = All();
    options.split = split;
    return options;
  }
  static std::vector<int> Values(const ImageDataset& data) {
    std::vector<int> values;
    for (std::int64_t i = 0; i < data.size(); ++i) {
      values.push_back(data.pixels(i)[0]);
    }
    return values;
  }
  TempDir dir_;
};

TEST_F(FolderTest, ReadsEveryFormatAtItsOwnSizeInNameOrder) {
  Write("cat/b.png", EncodePng({1, 2, 3}, {{3, 1}, PngColour::kGrey}));
  Write("cat/c.JPG", EncodeJpeg(Bytes(64, 100), {8, 8}, 1));
  Write("dog/deep/a.ppm", ToBytes("P6 2 1 255\nAAABBB"));
  Write("dog/b.pgm", ToBytes("P5 1 1 255\nC"));
  WritePixel("dog/.hidden.pgm", 1);
  Write("dog/notes.txt", ToBytes("x"));
  ASSERT_OK_AND_ASSIGN(const FolderData read, Read());
  EXPECT_THAT(read.dataset.class_names(), ElementsAre("cat", "dog"));
  EXPECT_THAT(Labels(read.dataset), ElementsAre(0, 0, 1, 1));
  EXPECT_EQ(read.dataset.image_size(0), (ImageSize{3, 1}));
  EXPECT_EQ(read.dataset.image_size(1), (ImageSize{8, 8}));
  EXPECT_THAT(read.dataset.pixels(2), ElementsAre('C'));
  EXPECT_THAT(read.dataset.pixels(3), ElementsAre('A', 'B'));
  EXPECT_EQ(read.ignored_files, 1);
  EXPECT_FALSE(read.dataset.has_tracks());
}

TEST_F(FolderTest, UsesTheSplitThatTheFolderBrings) {
  WritePixel("train/a/1.pgm", 1);
  WritePixel("train/b/1.pgm", 2);
  WritePixel("test/a/1.pgm", 3);
  WritePixel("test/b/1.pgm", 4);
  WritePixel("val/b/1.pgm", 5);
  ASSERT_OK_AND_ASSIGN(const FolderData train, Read(Part(DataSplit::kTrain)));
  ASSERT_OK_AND_ASSIGN(const FolderData test, Read(Part(DataSplit::kTest)));
  ASSERT_OK_AND_ASSIGN(const FolderData all, Read(Part(DataSplit::kAll)));
  EXPECT_THAT(Values(train.dataset), ElementsAre(1, 2));
  EXPECT_THAT(Values(test.dataset), ElementsAre(3, 4));
  EXPECT_THAT(Values(all.dataset), ElementsAre(1, 3, 2, 4));
}

TEST_F(FolderTest, TakesValWhereThereIsNoTest) {
  WritePixel("train/a/1.pgm", 1);
  WritePixel("val/a/1.pgm", 5);
  ASSERT_OK_AND_ASSIGN(const FolderData test, Read(Part(DataSplit::kTest)));
  EXPECT_THAT(Values(test.dataset), ElementsAre(5));
}

TEST_F(FolderTest, SaysWhichPartIsMissing) {
  WritePixel("train/a/1.pgm", 1);
  EXPECT_THAT(Read(Part(DataSplit::kTest)),
              Fails(kNotFound, HasSubstr("no test or val")));
}

TEST_F(FolderTest, AClassMayBeCalledTrain) {
  WritePixel("bus/1.pgm", 1);
  WritePixel("train/1.pgm", 2);
  ASSERT_OK_AND_ASSIGN(const FolderData read, Read());
  EXPECT_THAT(read.dataset.class_names(), ElementsAre("bus", "train"));
}

TEST_F(FolderTest, SplitsByTrackWhereNamesCarryOne) {
  for (const char* name : {"a", "b"}) {
    for (int track = 0; track < 10; ++track) {
      for (int frame = 0; frame < 3; ++frame) {
        WritePixel(std::string(name) + "/" + std::to_string(track) + "_" +
                       std::to_string(frame) + ".pgm",
                   track);
      }
    }
  }
  ASSERT_OK_AND_ASSIGN(const FolderData train, Read(Part(DataSplit::kTrain)));
  ASSERT_OK_AND_ASSIGN(const FolderData test, Read(Part(DataSplit::kTest)));
  EXPECT_EQ(train.dataset.size(), 48);
  EXPECT_EQ(test.dataset.size(), 12);
  EXPECT_TRUE(train.dataset.has_tracks());
  std::set<int> tracks;
  for (std::int64_t i = 0; i < train.dataset.size(); ++i) {
    tracks.insert(train.dataset.track(i));
  }
  for (std::int64_t i = 0; i < test.dataset.size(); ++i) {
    EXPECT_FALSE(tracks.contains(test.dataset.track(i)));
  }
  ASSERT_OK_AND_ASSIGN(const FolderData again, Read(Part(DataSplit::kTest)));
  EXPECT_EQ(Values(again.dataset), Values(test.dataset));
}

TEST_F(FolderTest, OnePrefixAClassIsNoTrack) {
  for (int i = 0; i < 4; ++i) {
    WritePixel("cat/cat_" + std::to_string(i) + ".pgm", i);
    WritePixel("dog/dog_" + std::to_string(i) + ".pgm", i);
  }
  ASSERT_OK_AND_ASSIGN(const FolderData read, Read());
  EXPECT_FALSE(read.dataset.has_tracks());
}

TEST_F(FolderTest, GivenClassesFixTheLabels) {
  WritePixel("dog/1.pgm", 1);
  std::filesystem::create_directories(dir_ / "emu");
  FolderOptions options = All();
  options.class_names = {"cat", "dog", "emu"};
  ASSERT_OK_AND_ASSIGN(const FolderData read, Read(options));
  EXPECT_THAT(Labels(read.dataset), ElementsAre(1));
  EXPECT_THAT(read.dataset.class_names(), SizeIs(3));
  WritePixel("dogs/1.pgm", 1);
  EXPECT_THAT(Read(options),
              Fails(kInvalid, AllOf(HasSubstr("'dogs'"),
                                    HasSubstr("did you mean 'dog'"))));
}

TEST_F(FolderTest, RefusesAFolderWithoutClassesOrWithAnEmptyOne) {
  EXPECT_THAT(Read(), Fails(kInvalid, HasSubstr("no class directories")));
  WritePixel("cat/1.pgm", 1);
  std::filesystem::create_directories(dir_ / "dog");
  EXPECT_THAT(Read(), Fails(kInvalid, HasSubstr("dog has no PNG")));
  EXPECT_THAT(ReadFolder(dir_ / "none", All()),
              Fails(kNotFound, HasSubstr("none")));
}

TEST_F(FolderTest, ABadImageFailsOrIsSkippedUpToAShare) {
  for (int i = 0; i < 100; ++i) {
    WritePixel("cat/" + std::to_string(100 + i) + ".pgm", i);
  }
  Write("cat/150.pgm", ToBytes("P5 2 1 255\nA"));
  EXPECT_THAT(Read(), Fails(kInvalid, AllOf(HasSubstr("150.pgm: damaged"),
                                            HasSubstr("1 bytes"))));
  FolderOptions options = All();
  options.on_bad_image = OnBadImage::kSkip;
  ASSERT_OK_AND_ASSIGN(const FolderData read, Read(options));
  EXPECT_EQ(read.dataset.size(), 99);
  ASSERT_THAT(read.skipped, SizeIs(1));
  EXPECT_EQ(read.skipped[0].path.filename(), "150.pgm");
  EXPECT_THAT(read.skipped[0].reason, HasSubstr("damaged PNM"));
  Write("cat/160.pgm", {});
  EXPECT_THAT(Read(options),
              Fails(kInvalid, AllOf(HasSubstr("more than 1 %"),
                                    HasSubstr("160.pgm: the file is empty"))));
}

}  // namespace
}  // namespace fedgap
