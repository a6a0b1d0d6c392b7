#include "common/data/held_out.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/data/image_dataset.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// counts[c] samples of class c, in tracks of `track_length` (1: no tracks).
ImageDataset Make(const std::vector<int>& counts, int track_length = 1) {
  ImageDataset::Builder builder(
      1, std::vector<std::string>(counts.size(), "class"));
  const std::vector<std::uint8_t> pixel = {0};
  int track = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    for (int i = 0; i < counts[c]; ++i) {
      if (i % track_length == 0) ++track;
      EXPECT_OK(builder.Add(pixel, {1, 1}, static_cast<int>(c),
                            track_length == 1 ? DataSource::kNoTrack : track));
    }
  }
  return std::move(builder).Build();
}

std::vector<int> Counts(const DataSource& data,
                        const std::vector<std::uint32_t>& positions) {
  std::vector<int> counts(data.class_names().size(), 0);
  for (const std::uint32_t i : positions) {
    ++counts[static_cast<std::size_t>(data.label(i))];
  }
  return counts;
}

// A source need not have names for its classes.
class NamelessSource final : public DataSource {
 public:
  explicit NamelessSource(const DataSource& base) : base_(base) {}
  std::int64_t size() const override { return base_.size(); }
  int channels() const override { return base_.channels(); }
  ImageSize image_size(std::int64_t i) const override {
    return base_.image_size(i);
  }
  int label(std::int64_t i) const override { return base_.label(i); }
  std::int32_t track(std::int64_t i) const override { return base_.track(i); }
  const std::vector<std::string>& class_names() const override { return none_; }
  void Read(std::int64_t i, const Normalization& normalization,
            std::span<float> out) const override {
    base_.Read(i, normalization, out);
  }

 private:
  const DataSource& base_;
  const std::vector<std::string> none_;
};

TEST(HeldOutTest, ClassesNeedNoNames) {
  const ImageDataset data = Make({100, 50, 200});
  const HeldOutSplit split =
      SplitHeldOut(NamelessSource(data), 0.1, 1, "client-1");
  EXPECT_EQ(split.held_out, SplitHeldOut(data, 0.1, 1, "client-1").held_out);
}

TEST(HeldOutTest, TakesTheFractionOfEveryClass) {
  const ImageDataset data = Make({100, 50, 200});
  const HeldOutSplit split = SplitHeldOut(data, 0.1, 1, "client-1");
  EXPECT_THAT(Counts(data, split.held_out), ElementsAre(10, 5, 20));
  EXPECT_THAT(Counts(data, split.training), ElementsAre(90, 45, 180));
}

TEST(HeldOutTest, CoversEverySampleOnceInOrder) {
  const ImageDataset data = Make({37, 3, 1, 0, 59});
  for (const double fraction : {0.0, 0.1, 0.5, 0.9}) {
    const HeldOutSplit split = SplitHeldOut(data, fraction, 1, "a");
    EXPECT_TRUE(std::is_sorted(split.training.begin(), split.training.end()));
    EXPECT_TRUE(std::is_sorted(split.held_out.begin(), split.held_out.end()));
    std::set<std::uint32_t> all(split.training.begin(), split.training.end());
    all.insert(split.held_out.begin(), split.held_out.end());
    EXPECT_THAT(all, SizeIs(100));
    EXPECT_EQ(split.training.size() + split.held_out.size(), 100u);
  }
}

TEST(HeldOutTest, IsAFunctionOfSeedAndName) {
  const ImageDataset data = Make({500, 500});
  const auto held = [&](std::uint64_t seed, const char* name) {
    return SplitHeldOut(data, 0.1, seed, name).held_out;
  };
  EXPECT_EQ(held(1, "a"), held(1, "a"));
  EXPECT_NE(held(1, "a"), held(1, "b"));
  EXPECT_NE(held(1, "a"), held(2, "a"));
}

TEST(HeldOutTest, ATrackNeverLandsOnBothSides) {
  const ImageDataset data = Make({80, 80, 40}, 8);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const HeldOutSplit split = SplitHeldOut(data, 0.2, seed, "a");
    std::set<int> training;
    for (const std::uint32_t i : split.training) {
      training.insert(data.track(i));
    }
    for (const std::uint32_t i : split.held_out) {
      EXPECT_FALSE(training.contains(data.track(i)));
    }
    EXPECT_THAT(Counts(data, split.held_out), ElementsAre(16, 16, 8));
  }
}

TEST(HeldOutTest, RoundingIsCarriedFromClassToClass) {
  // A tenth of 4 is 0.4 a class: 10 classes give 4 together.
  const ImageDataset data = Make(std::vector<int>(10, 4));
  EXPECT_THAT(SplitHeldOut(data, 0.1, 1, "a").held_out, SizeIs(4));
}

TEST(HeldOutTest, TinySetsKeepTheirTrainingSamples) {
  EXPECT_THAT(SplitHeldOut(Make({1}), 0.5, 1, "a").training, SizeIs(1));
  EXPECT_THAT(SplitHeldOut(Make({1, 1, 1}), 0.9, 1, "a").training, SizeIs(3));
  const HeldOutSplit two = SplitHeldOut(Make({2}), 0.9, 1, "a");
  EXPECT_THAT(two.training, SizeIs(1));
  EXPECT_THAT(two.held_out, SizeIs(1));
  EXPECT_THAT(SplitHeldOut(Make({4}), 0.1, 1, "a").held_out, IsEmpty());
  EXPECT_THAT(SplitHeldOut(Make({0}), 0.1, 1, "a").training, IsEmpty());
}

}  // namespace
}  // namespace fedgap
