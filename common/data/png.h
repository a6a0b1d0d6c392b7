// PNG, through libpng.
#ifndef FEDGAP_COMMON_DATA_PNG_H_
#define FEDGAP_COMMON_DATA_PNG_H_

#include <cstdint>
#include <span>

#include "common/base/status.h"
#include "common/data/decoded_image.h"

namespace fedgap {

bool IsPng(std::span<const std::uint8_t> bytes);

// Every colour type and bit depth, interlaced or not: palettes are expanded,
// 16-bit values rounded to 8 bits, 1 to 4 bits scaled, transparency composited
// over white (pixel_format.h). Gamma and colour profiles are not applied.
// INVALID_ARGUMENT: damaged, truncated or not a PNG, with libpng's reason.
// RESOURCE_EXHAUSTED: more pixels than allowed.
StatusOr<DecodedImage> DecodePng(std::span<const std::uint8_t> bytes,
                                 const DecodeOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_PNG_H_
