#include "common/data/image_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "common/data/pixel_format.h"
#include "tests/common/data/image_files.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr DecodeOptions kGrey{.channels = 1};
constexpr DecodeOptions kRgb{.channels = 3};

Bytes Pixels(const Bytes& file, const DecodeOptions& options) {
  StatusOr<DecodedImage> image = DecodeImage(file, options);
  EXPECT_OK(image);
  return image.ok() ? image->pixels : Bytes();
}

Bytes Pixels(std::string_view file, const DecodeOptions& options) {
  return Pixels(ToBytes(file), options);
}

// A smooth RGB picture.
Bytes Gradient(ImageSize size) {
  Bytes pixels;
  for (int y = 0; y < size.height; ++y) {
    for (int x = 0; x < size.width; ++x) {
      pixels.push_back(static_cast<std::uint8_t>(5 * y));
      pixels.push_back(static_cast<std::uint8_t>(4 * x));
      pixels.push_back(static_cast<std::uint8_t>(100 + x + y));
    }
  }
  return pixels;
}

TEST(PixelFormatTest, GreyIsPillowsLuma) {
  EXPECT_EQ(GreyOf(255, 255, 255), 255);
  EXPECT_EQ(GreyOf(0, 0, 0), 0);
  EXPECT_EQ(GreyOf(255, 0, 0), 76);
  EXPECT_EQ(GreyOf(0, 255, 0), 150);
  EXPECT_EQ(GreyOf(0, 0, 255), 29);
}

TEST(PixelFormatTest, AGreyPictureSurvivesBothWays) {
  Bytes grey(256);
  for (std::size_t v = 0; v < 256; ++v) grey[v] = static_cast<std::uint8_t>(v);
  EXPECT_EQ(ConvertChannels(ConvertChannels(grey, 1, 3), 3, 1), grey);
}

TEST(PixelFormatTest, CompositesOverWhite) {
  EXPECT_THAT(CompositeOverWhite(Bytes{10, 0, 10, 255, 0, 128}, 2),
              ElementsAre(255, 10, 127));
}

TEST(PngTest, ReadsEveryColourType) {
  const ImageSize two{1, 2};
  EXPECT_THAT(Pixels(EncodePng({9, 200}, {two, PngColour::kGrey}), kGrey),
              ElementsAre(9, 200));
  EXPECT_THAT(Pixels(EncodePng({9, 200}, {two, PngColour::kGrey}), kRgb),
              ElementsAre(9, 9, 9, 200, 200, 200));
  EXPECT_THAT(Pixels(EncodePng({1, 2, 3, 4, 5, 6}, {two}), kRgb),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(Pixels(EncodePng({255, 0, 0, 0, 0, 255}, {two}), kGrey),
              ElementsAre(76, 29));
  EXPECT_THAT(
      Pixels(EncodePng({10, 0, 10, 255}, {two, PngColour::kGreyAlpha}), kGrey),
      ElementsAre(255, 10));
  EXPECT_THAT(
      Pixels(EncodePng({1, 2, 3, 255, 0, 0, 0, 128}, {two, PngColour::kRgba}),
             kRgb),
      ElementsAre(1, 2, 3, 127, 127, 127));
}

TEST(PngTest, ExpandsPalettesAndLowBitDepths) {
  // Four pixels of two bits: palette entries 0, 1, 2, 3.
  EXPECT_THAT(
      Pixels(EncodePng({0b00011011}, {{1, 4}, PngColour::kPalette, 2}), kRgb),
      ElementsAre(255, 0, 0, 0, 255, 0, 0, 0, 255, 127, 127, 127));
  EXPECT_THAT(
      Pixels(EncodePng({0b00011011}, {{1, 4}, PngColour::kGrey, 2}), kGrey),
      ElementsAre(0, 85, 170, 255));
}

TEST(PngTest, RoundsSixteenBitsToEight) {
  // 0x0080 is 128 / 257 = 0.498, 0x0081 is 0.502.
  EXPECT_THAT(Pixels(EncodePng({0, 0x80, 0, 0x81, 0xff, 0xff},
                               {{1, 3}, PngColour::kGrey, 16}),
                     kGrey),
              ElementsAre(0, 1, 255));
}

TEST(PngTest, ReadsInterlacedFiles) {
  const ImageSize size{13, 9};
  const Bytes pixels = Gradient(size);
  const PngOptions options{size, PngColour::kRgb, 8, true};
  EXPECT_EQ(Pixels(EncodePng(pixels, options), kRgb), pixels);
}

TEST(PngTest, RefusesEveryTruncationAndEveryFlippedByte) {
  const ImageSize size{7, 5};
  const Bytes file = EncodePng(Gradient(size), {size});
  for (std::size_t length = 0; length < file.size(); ++length) {
    const Bytes cut(file.begin(),
                    file.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_THAT(DecodeImage(cut, kRgb), HasCode(kInvalid)) << length;
  }
  for (std::size_t i = 0; i < file.size(); ++i) {
    Bytes flipped = file;
    flipped[i] ^= 0x10;
    EXPECT_FALSE(DecodeImage(flipped, kRgb).ok()) << i;
  }
}

TEST(PngTest, RefusesABombBeforeItAllocates) {
  Bytes file = EncodePng({0, 0}, {{1, 2}, PngColour::kGrey});
  // Width in the header chunk: 2 becomes 2^30; its checksum is then wrong, so
  // the limit itself is tested on a small claim.
  EXPECT_THAT(DecodeImage(file, {.channels = 1, .max_pixels = 1}),
              Fails(kExhausted, HasSubstr("1x2 pixels; at most 1")));
  file[16] = 0x40;
  EXPECT_FALSE(DecodeImage(file, kGrey).ok());
}

TEST(JpegTest, ReadsGreyAndColour) {
  const ImageSize size{33, 47};
  const Bytes rgb = Gradient(size);
  for (const bool progressive : {false, true}) {
    const Bytes file = EncodeJpeg(rgb, size, 3, 95, progressive);
    const Bytes pixels = Pixels(file, kRgb);
    ASSERT_EQ(pixels.size(), rgb.size());
    int worst = 0;
    for (std::size_t i = 0; i < rgb.size(); ++i) {
      worst = std::max(worst, std::abs(pixels[i] - rgb[i]));
    }
    EXPECT_LE(worst, 16);
    EXPECT_EQ(Pixels(file, kGrey), ConvertChannels(pixels, 3, 1));
  }
  const Bytes flat(64, 100);
  EXPECT_EQ(Pixels(EncodeJpeg(flat, {8, 8}, 1), kGrey), flat);
  EXPECT_EQ(Pixels(EncodeJpeg(flat, {8, 8}, 1), kRgb).size(), 192u);
}

TEST(JpegTest, RefusesEveryTruncation) {
  const ImageSize size{16, 16};
  const Bytes file = EncodeJpeg(Gradient(size), size, 3);
  for (std::size_t length = 0; length + 2 < file.size(); ++length) {
    const Bytes cut(file.begin(),
                    file.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_THAT(DecodeImage(cut, kRgb), HasCode(kInvalid)) << length;
  }
}

TEST(JpegTest, RefusesCmykAndTooManyPixels) {
  EXPECT_THAT(DecodeImage(EncodeJpeg(Bytes(256), {8, 8}, 4), kRgb),
              Fails(kInvalid, HasSubstr("CMYK")));
  EXPECT_THAT(DecodeImage(EncodeJpeg(Bytes(64), {8, 8}, 1),
                          {.channels = 1, .max_pixels = 63}),
              HasCode(kExhausted));
}

TEST(JpegTest, NamesTheDamage) {
  Bytes file = EncodeJpeg(Bytes(64), {8, 8}, 1);
  file.resize(20);
  EXPECT_THAT(DecodeImage(file, kRgb),
              Fails(kInvalid, HasSubstr("damaged JPEG: ")));
}

TEST(PnmTest, ReadsBinaryAndText) {
  EXPECT_THAT(Pixels("P5 2 1 255\nAB", kGrey), ElementsAre('A', 'B'));
  EXPECT_THAT(Pixels("P6\n1 1\n255\nABC", kRgb), ElementsAre('A', 'B', 'C'));
  EXPECT_THAT(
      Pixels("P2\n# made by hand\n2 2 # here too\n255\n1 2\n3 4\n", kGrey),
      ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(Pixels("P3 1 1 255 255 0 0", kGrey), ElementsAre(76));
  ASSERT_OK_AND_ASSIGN(const DecodedImage image,
                       DecodeImage(ToBytes("P5 3 1 255\nabc"), kGrey));
  EXPECT_EQ(image.size, (ImageSize{1, 3}));
}

TEST(PnmTest, ScalesOtherMaxima) {
  EXPECT_THAT(Pixels("P2 4 1 3 0 1 2 3", kGrey), ElementsAre(0, 85, 170, 255));
  const Bytes wide = {'P', '5', ' ', '1',  ' ',  '2',  ' ',  '6', '5',
                      '5', '3', '5', '\n', 0x80, 0x00, 0xff, 0xff};
  EXPECT_THAT(Pixels(wide, kGrey), ElementsAre(128, 255));
}

TEST(PnmTest, RefusesEveryKindOfDamage) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"P5 2 1 255\nA", "1 bytes of values"},
      {"P5 2 1 255\nABC", "line ends converted"},
      {"P5 2 1 255", "no white space"},
      {"P5 2 1 70000\nAB", "greatest value is 70000"},
      {"P5 2 1 0\nAB", "greatest value is 0"},
      {"P5 x 1 255\nAB", "malformed"},
      {"P5 -2 1 255\nAB", "malformed"},
      {"P5 99999999999 1 255\nAB", "too large"},
      {"P5 0 1 255\n", "no pixels"},
      {"P5 2", "ends where a number"},
      {"P5 1 1 100\nz", "above the file's greatest"},
      {"P2 4 4 255 1", "ends before its last value"},
      {"P2 1 1 255 300", "above the file's greatest"},
      {"P2 1 1 255 1 2", "more values"},
      {"P2 2 2 255 1 2 3    ", "ends where a number"},
      {"P4 8 1 A", "not a PNG, JPEG"},
      {"", "is empty"},
      {"hello world", "not a PNG, JPEG"},
  };
  for (const auto& [file, message] : cases) {
    EXPECT_THAT(DecodeImage(ToBytes(file), kGrey),
                Fails(kInvalid, HasSubstr(message)))
        << file;
  }
  EXPECT_THAT(DecodeImage(ToBytes("P5 100000 100000 255\nA"), kGrey),
              HasCode(kExhausted));
}

TEST(HasImageExtensionTest, IgnoresCase) {
  EXPECT_TRUE(HasImageExtension("a/b.PNG"));
  EXPECT_TRUE(HasImageExtension("b.jpeg"));
  EXPECT_FALSE(HasImageExtension("b.txt"));
  EXPECT_FALSE(HasImageExtension("png"));
}

}  // namespace
}  // namespace fedgap
