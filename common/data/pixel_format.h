// Conversions between pixel formats, in fixed integer arithmetic: the same
// bytes on every machine.
#ifndef FEDGAP_COMMON_DATA_PIXEL_FORMAT_H_
#define FEDGAP_COMMON_DATA_PIXEL_FORMAT_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/data/decoded_image.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// Grey from RGB: (19595 R + 38470 G + 7471 B + 2^15) / 2^16, which is ITU-R
// BT.601 luma as Pillow's convert("L") rounds it.
constexpr std::uint8_t GreyOf(std::uint8_t red, std::uint8_t green,
                              std::uint8_t blue) {
  return static_cast<std::uint8_t>(
      (19595u * red + 38470u * green + 7471u * blue + 0x8000u) >> 16);
}

// `pixels` with `from` channels a pixel (1 or 3) as `to` channels (1 or 3).
// Grey becomes three equal channels.
std::vector<std::uint8_t> ConvertChannels(std::vector<std::uint8_t> pixels,
                                          int from, int to);

// Drops the last of `channels` values of each pixel (alpha; 2 or 4 channels
// in) after compositing over white: (v a + 255 (255 - a)) / 255, rounded. White
// because it is what transparent drawings are made to be seen on.
std::vector<std::uint8_t> CompositeOverWhite(
    std::span<const std::uint8_t> pixels, int channels);

// INVALID_ARGUMENT if the size is empty, RESOURCE_EXHAUSTED if it has more
// pixels than the options allow.
Status CheckDecodedSize(std::uint64_t height, std::uint64_t width,
                        const DecodeOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_PIXEL_FORMAT_H_
