// Netpbm greymaps and pixmaps: PGM and PPM.
#ifndef FEDGAP_COMMON_DATA_PNM_H_
#define FEDGAP_COMMON_DATA_PNM_H_

#include <cstdint>
#include <span>

#include "common/base/status.h"
#include "common/data/decoded_image.h"

namespace fedgap {

bool IsPnm(std::span<const std::uint8_t> bytes);

// P5 and P6 (binary), P2 and P3 (text), comments included. Values of any
// maximum up to 65535 are scaled to 255 and rounded. One image a file.
// INVALID_ARGUMENT: not such a file, a value above the maximum, fewer or more
// bytes than the size says (a file that has passed through a line-end
// conversion has more). RESOURCE_EXHAUSTED: more pixels than allowed.
// Source: https://netpbm.sourceforge.net/doc/ppm.html, pgm.html.
StatusOr<DecodedImage> DecodePnm(std::span<const std::uint8_t> bytes,
                                 const DecodeOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_PNM_H_
