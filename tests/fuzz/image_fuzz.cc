// An image file from outside never crashes a decoder, and what is accepted is
// a whole image within the limits, the same in grey as its colours make it.
#include <cstdint>
#include <span>

#include "common/base/check.h"
#include "common/data/image_decoder.h"
#include "common/data/pixel_format.h"

namespace fedgap {

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  constexpr std::int64_t kMaxPixels = 1 << 14;
  const std::span bytes(data, size);
  const StatusOr<DecodedImage> rgb =
      DecodeImage(bytes, {.channels = 3, .max_pixels = kMaxPixels});
  const StatusOr<DecodedImage> grey =
      DecodeImage(bytes, {.channels = 1, .max_pixels = kMaxPixels});
  FEDGAP_CHECK(rgb.ok() == grey.ok());
  if (!rgb.ok()) return 0;
  const std::int64_t pixels = rgb->size.pixels();
  FEDGAP_CHECK(pixels > 0 && pixels <= kMaxPixels);
  FEDGAP_CHECK(rgb->pixels.size() == static_cast<std::size_t>(3 * pixels));
  FEDGAP_CHECK(grey->pixels == ConvertChannels(rgb->pixels, 3, 1));
  return 0;
}

}  // namespace fedgap
