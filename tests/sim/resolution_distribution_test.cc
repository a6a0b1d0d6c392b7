#include "sim/resolution_distribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

TEST(ResolutionDistributionTest, PicksSizesByTheirSharesInTheOrderGiven) {
  ASSERT_OK_AND_ASSIGN(const auto sizes, ResolutionDistribution::Parse(
                                             "14:0.2, 28:0.6 ,24x36:0.2"));
  EXPECT_EQ(sizes.At(0.0), (ImageSize{14, 14}));
  EXPECT_EQ(sizes.At(0.199), (ImageSize{14, 14}));
  EXPECT_EQ(sizes.At(0.2), (ImageSize{28, 28}));
  EXPECT_EQ(sizes.At(0.79), (ImageSize{28, 28}));
  EXPECT_EQ(sizes.At(0.81), (ImageSize{24, 36}));
  EXPECT_EQ(sizes.At(0.9999999999999999), (ImageSize{24, 36}));
  EXPECT_DOUBLE_EQ(sizes.MeanPixels(), 0.2 * 196 + 0.6 * 784 + 0.2 * 864);
}

TEST(ResolutionDistributionTest, SharesAreWeights) {
  ASSERT_OK_AND_ASSIGN(const auto sizes,
                       ResolutionDistribution::Parse("14:1,28:3"));
  EXPECT_EQ(sizes.At(0.24), (ImageSize{14, 14}));
  EXPECT_EQ(sizes.At(0.26), (ImageSize{28, 28}));
}

TEST(ResolutionDistributionTest, OneSizeNeedsNoShare) {
  ASSERT_OK_AND_ASSIGN(const auto sizes, ResolutionDistribution::Parse("28"));
  EXPECT_EQ(sizes.sizes(), (std::vector<ImageSize>{{28, 28}}));
}

TEST(ResolutionDistributionTest, NothingIsTheImagesOwnSizes) {
  EXPECT_TRUE(ResolutionDistribution::Parse("").value().is_native());
  EXPECT_TRUE(ResolutionDistribution::Parse(" native").value().is_native());
}

TEST(ResolutionDistributionTest, SaysWhatIsWrong) {
  EXPECT_THAT(ResolutionDistribution::Parse("14:0.2,28:x"),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("share 'x' of size 28x28")));
  EXPECT_THAT(ResolutionDistribution::Parse("14:0"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("above 0")));
  EXPECT_THAT(ResolutionDistribution::Parse("14:nan"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("above 0")));
  EXPECT_THAT(ResolutionDistribution::Parse("big"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("'big'")));
  EXPECT_THAT(ResolutionDistribution::Parse("14,,28"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("''")));
}

}  // namespace
}  // namespace fedgap
