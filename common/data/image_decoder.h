// Image files of any kind that is read.
#ifndef FEDGAP_COMMON_DATA_IMAGE_DECODER_H_
#define FEDGAP_COMMON_DATA_IMAGE_DECODER_H_

#include <cstdint>
#include <filesystem>
#include <span>

#include "common/base/status.h"
#include "common/data/decoded_image.h"

namespace fedgap {

// Decodes PNG, JPEG, PPM or PGM, told apart by their first bytes. Errors as
// png.h, jpeg.h and pnm.h; INVALID_ARGUMENT when it is none of them.
StatusOr<DecodedImage> DecodeImage(std::span<const std::uint8_t> bytes,
                                   const DecodeOptions& options);

// Whether the name ends like an image file that DecodeImage reads: .png, .jpg,
// .jpeg, .ppm, .pgm, .pnm, in any case.
bool HasImageExtension(const std::filesystem::path& path);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_IMAGE_DECODER_H_
