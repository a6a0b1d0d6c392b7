#include "common/tensor/image_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

TEST(ParseImageSizeTest, ReadsHeightThenWidth) {
  EXPECT_EQ(ParseImageSize("24x36").value(), (ImageSize{24, 36}));
  EXPECT_EQ(ParseImageSize("65535x1").value(), (ImageSize{65535, 1}));
}

TEST(ParseImageSizeTest, OneNumberIsASquare) {
  EXPECT_EQ(ParseImageSize("28").value(), (ImageSize{28, 28}));
}

TEST(ParseImageSizeTest, RefusesOtherText) {
  for (const auto text : {"", "x", "28x", "x28", "0x4", "-1x4", "4x65536",
                          "4x4x4", "4 x 4", "4.5", "99999999999"}) {
    EXPECT_THAT(ParseImageSize(text),
                Fails(absl::StatusCode::kInvalidArgument,
                      ::testing::HasSubstr("is no image size")))
        << text;
  }
}

}  // namespace
}  // namespace fedgap
