#include "common/data/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/file_io.h"
#include "tests/common/data/image_files.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Bytes Images() { return EncodeIdx({2, 1, 2}, {1, 2, 3, 4}); }

TEST(ParseIdxTest, ReadsPlainAndGzip) {
  for (const Bytes& file : {Images(), Gzip(Images())}) {
    ASSERT_OK_AND_ASSIGN(const IdxArray array, ParseIdx(file, 3));
    EXPECT_THAT(array.extents, ElementsAre(2, 1, 2));
    EXPECT_THAT(array.values, ElementsAre(1, 2, 3, 4));
  }
}

TEST(ParseIdxTest, ReadsAnEmptyArray) {
  ASSERT_OK_AND_ASSIGN(const IdxArray array,
                       ParseIdx(EncodeIdx({0, 28, 28}, {}), 3));
  EXPECT_TRUE(array.values.empty());
}

TEST(ParseIdxTest, RefusesEveryKindOfBadHeader) {
  EXPECT_THAT(ParseIdx({}, 3), Fails(kInvalid, HasSubstr("magic number")));
  EXPECT_THAT(ParseIdx(ToBytes("\x89PNG\r\n"), 3),
              Fails(kInvalid, HasSubstr("magic number")));
  Bytes floats = Images();
  floats[2] = 0x0d;
  EXPECT_THAT(ParseIdx(floats, 3), Fails(kInvalid, HasSubstr("type 0x0d")));
  EXPECT_THAT(ParseIdx(Images(), 1),
              Fails(kInvalid, HasSubstr("3 dimensions; expected 1")));
  Bytes cut = Images();
  cut.resize(10);
  EXPECT_THAT(ParseIdx(cut, 3), Fails(kInvalid, HasSubstr("no full header")));
}

TEST(ParseIdxTest, RefusesFewerOrMoreBytesThanTheHeaderSays) {
  for (const bool zipped : {false, true}) {
    Bytes cut = Images();
    cut.pop_back();
    Bytes longer = Images();
    longer.push_back(9);
    EXPECT_THAT(ParseIdx(zipped ? Gzip(cut) : cut, 3),
                Fails(kInvalid, HasSubstr("truncated")));
    EXPECT_THAT(ParseIdx(zipped ? Gzip(longer) : longer, 3),
                Fails(kInvalid, HasSubstr("bytes after its 4 values")));
  }
}

TEST(ParseIdxTest, RefusesAHugeClaimWithoutAllocatingIt) {
  const Bytes claim = EncodeIdx({0xffffffff, 0xffffffff, 0xffffffff}, {1});
  EXPECT_THAT(ParseIdx(claim, 3), Fails(kInvalid, HasSubstr("truncated")));
  EXPECT_THAT(ParseIdx(Gzip(claim), 3),
              Fails(kInvalid, HasSubstr("truncated")));
}

TEST(ParseIdxTest, RefusesDamagedGzip) {
  const Bytes whole = Gzip(EncodeIdx({100, 10, 10}, Bytes(10000, 7)));
  Bytes cut(whole.begin(), whole.end() - 9);
  EXPECT_THAT(ParseIdx(cut, 3),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("truncated")));
  Bytes flipped = whole;
  flipped[flipped.size() - 6] ^= 1;  // in the CRC
  EXPECT_THAT(ParseIdx(flipped, 3),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("damaged")));
  Bytes garbage = {0x1f, 0x8b, 0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_THAT(ParseIdx(garbage, 3), HasCode(absl::StatusCode::kDataLoss));
}

class IdxDirectoryTest : public ::testing::Test {
 protected:
  void Write(std::string_view name, const Bytes& bytes) {
    ASSERT_OK(WriteFileAtomic(dir_ / name, bytes, {.sync = false}));
  }
  void WriteAll() {
    Write("train-images-idx3-ubyte", Images());
    Write("train-labels-idx1-ubyte", EncodeIdx({2}, {0, 2}));
    Write("t10k-images-idx3-ubyte.gz", Gzip(EncodeIdx({1, 1, 2}, {5, 6})));
    Write("t10k-labels-idx1-ubyte.gz", Gzip(EncodeIdx({1}, {3})));
  }
  TempDir dir_;
};

TEST_F(IdxDirectoryTest, ReadsEachSplitAndBoth) {
  WriteAll();
  ASSERT_OK_AND_ASSIGN(const ImageDataset train,
                       ReadIdxDirectory(dir_.path(), {DataSplit::kTrain, {}}));
  EXPECT_THAT(Labels(train), ElementsAre(0, 2));
  EXPECT_THAT(train.pixels(1), ElementsAre(3, 4));
  EXPECT_EQ(train.image_size(0), (ImageSize{1, 2}));
  ASSERT_OK_AND_ASSIGN(const ImageDataset test,
                       ReadIdxDirectory(dir_.path(), {DataSplit::kTest, {}}));
  EXPECT_THAT(test.pixels(0), ElementsAre(5, 6));
  ASSERT_OK_AND_ASSIGN(const ImageDataset all,
                       ReadIdxDirectory(dir_.path(), {DataSplit::kAll, {}}));
  EXPECT_THAT(Labels(all), ElementsAre(0, 2, 3));
  // Both splits together say how many classes there are.
  EXPECT_EQ(train.class_names(), test.class_names());
  EXPECT_THAT(train.class_names(), ElementsAre("0", "1", "2", "3"));
}

TEST_F(IdxDirectoryTest, NamesTheFileThatIsMissing) {
  Write("train-images-idx3-ubyte", Images());
  EXPECT_THAT(ReadIdxDirectory(dir_.path(), {}),
              Fails(absl::StatusCode::kNotFound,
                    HasSubstr("neither train-labels-idx1-ubyte nor")));
  EXPECT_THAT(ReadIdxDirectory(dir_ / "none", {}),
              Fails(absl::StatusCode::kNotFound, HasSubstr("none is not a")));
}

TEST_F(IdxDirectoryTest, RefusesCountsThatDiffer) {
  WriteAll();
  Write("train-labels-idx1-ubyte", EncodeIdx({3}, {0, 1, 2}));
  EXPECT_THAT(
      ReadIdxDirectory(dir_.path(), {}),
      Fails(kInvalid, AllOf(HasSubstr("2 images"), HasSubstr("3 labels"))));
}

TEST_F(IdxDirectoryTest, RefusesALabelThatIsNoClass) {
  WriteAll();
  EXPECT_THAT(ReadIdxDirectory(dir_.path(), {DataSplit::kTrain, {"a", "b"}}),
              Fails(kInvalid, AllOf(HasSubstr("train-labels"),
                                    HasSubstr("sample 1: label 2"))));
}

TEST_F(IdxDirectoryTest, RefusesImagesOfNoPixels) {
  WriteAll();
  Write("train-images-idx3-ubyte", EncodeIdx({2, 0, 28}, {}));
  EXPECT_THAT(ReadIdxDirectory(dir_.path(), {}),
              Fails(kInvalid, HasSubstr("no pixels")));
}

TEST_F(IdxDirectoryTest, NamesTheFileThatIsDamaged) {
  WriteAll();
  Write("train-images-idx3-ubyte", ToBytes("garbage"));
  EXPECT_THAT(ReadIdxDirectory(dir_.path(), {}),
              Fails(kInvalid, HasSubstr("train-images-idx3-ubyte: not an")));
}

}  // namespace
}  // namespace fedgap
