// One image out of a file.
#ifndef FEDGAP_COMMON_DATA_DECODED_IMAGE_H_
#define FEDGAP_COMMON_DATA_DECODED_IMAGE_H_

#include <cstdint>
#include <vector>

#include "common/tensor/image_view.h"

namespace fedgap {

struct DecodeOptions {
  // Channels to deliver, whatever the file holds: 1 grey, 3 RGB.
  int channels = 3;
  // A file that declares more pixels is refused before anything is allocated
  // (a decompression bomb is a few kilobytes that claim gigapixels).
  std::int64_t max_pixels = std::int64_t{64} << 20;
};

// Bytes as [height, width, channels].
struct DecodedImage {
  ImageSize size;
  std::vector<std::uint8_t> pixels;
  int file_channels = 0;  // colour channels of the file: 1 or 3
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_DECODED_IMAGE_H_
