#include "common/data/image_decoder.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "common/data/jpeg.h"
#include "common/data/png.h"
#include "common/data/pnm.h"

namespace fedgap {

StatusOr<DecodedImage> DecodeImage(std::span<const std::uint8_t> bytes,
                                   const DecodeOptions& options) {
  if (IsPng(bytes)) return DecodePng(bytes, options);
  if (IsJpeg(bytes)) return DecodeJpeg(bytes, options);
  if (IsPnm(bytes)) return DecodePnm(bytes, options);
  return absl::InvalidArgumentError(
      bytes.empty() ? "the file is empty"
                    : "not a PNG, JPEG, PPM or PGM file: its first bytes are "
                      "none of theirs");
}

bool HasImageExtension(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 6> kExtensions = {
      ".png", ".jpg", ".jpeg", ".ppm", ".pgm", ".pnm"};
  std::string extension = path.extension().string();
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(kExtensions.begin(), kExtensions.end(), extension) !=
         kExtensions.end();
}

}  // namespace fedgap
