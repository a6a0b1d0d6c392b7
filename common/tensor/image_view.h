// One image as the network sees it.
#ifndef FEDGAP_COMMON_TENSOR_IMAGE_VIEW_H_
#define FEDGAP_COMMON_TENSOR_IMAGE_VIEW_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

// Height and width in pixels.
struct ImageSize {
  int height = 0;
  int width = 0;
  std::int64_t pixels() const { return std::int64_t{height} * width; }
  // "28x28", height first.
  std::string ToString() const {
    return std::to_string(height) + "x" + std::to_string(width);
  }
  auto operator<=>(const ImageSize&) const = default;
};

// "28x28" (height first), or "28" for a square. INVALID_ARGUMENT for anything
// else, or an extent that is not in [1, 65535].
StatusOr<ImageSize> ParseImageSize(std::string_view text);

// Normalised pixels, row by row, channels innermost: [height, width,
// channels]. Borrows.
struct ImageView {
  const float* pixels = nullptr;
  ImageSize size;
  int channels = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TENSOR_IMAGE_VIEW_H_
