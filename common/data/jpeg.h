// JPEG, through libjpeg-turbo.
#ifndef FEDGAP_COMMON_DATA_JPEG_H_
#define FEDGAP_COMMON_DATA_JPEG_H_

#include <cstdint>
#include <span>

#include "common/base/status.h"
#include "common/data/decoded_image.h"

namespace fedgap {

bool IsJpeg(std::span<const std::uint8_t> bytes);

// Baseline and progressive, grey and YCbCr. Of libjpeg's choices the exact
// integer ones are taken, which its SIMD and C code compute alike: the slow
// integer DCT, plain (not "fancy") chroma upsampling, no smoothing of
// incomplete progressive blocks. So the bytes are the same on every machine;
// they differ from a default decoder's by a few levels where colours change.
// EXIF orientation is not applied.
// INVALID_ARGUMENT: damaged, truncated (libjpeg would fill in grey), CMYK or
// not a JPEG. RESOURCE_EXHAUSTED: more pixels than allowed, or a progressive
// file of more than 500 scans.
StatusOr<DecodedImage> DecodeJpeg(std::span<const std::uint8_t> bytes,
                                  const DecodeOptions& options);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_JPEG_H_
