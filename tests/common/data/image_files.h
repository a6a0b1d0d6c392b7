// Files to decode, written by the reference libraries.
#ifndef FEDGAP_TESTS_COMMON_DATA_IMAGE_FILES_H_
#define FEDGAP_TESTS_COMMON_DATA_IMAGE_FILES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/tensor/image_view.h"

namespace fedgap {

using Bytes = std::vector<std::uint8_t>;

enum class PngColour { kGrey, kGreyAlpha, kRgb, kRgba, kPalette };

struct PngOptions {
  ImageSize size;
  PngColour colour = PngColour::kRgb;
  int bit_depth = 8;
  bool interlaced = false;
};

// `rows` are the packed rows as PNG stores them. The palette of kPalette is
// red, green, blue, and half-transparent black.
Bytes EncodePng(const Bytes& rows, const PngOptions& options);

// `pixels` are [height, width, channels]; channels 1, 3 or 4 (CMYK).
Bytes EncodeJpeg(const Bytes& pixels, ImageSize size, int channels,
                 int quality = 95, bool progressive = false);

Bytes Gzip(const Bytes& bytes);

// IDX: the magic number for unsigned bytes, the extents, the values.
Bytes EncodeIdx(const std::vector<std::uint32_t>& extents, const Bytes& values);

Bytes ToBytes(std::string_view text);

}  // namespace fedgap

#endif  // FEDGAP_TESTS_COMMON_DATA_IMAGE_FILES_H_
