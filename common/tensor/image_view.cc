#include "common/tensor/image_view.h"

#include <fmt/format.h>

#include <charconv>

namespace fedgap {
namespace {

constexpr int kMaxExtent = 65535;

// 0 for anything but an extent.
int ParseExtent(std::string_view text) {
  int extent = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, extent);
  const bool whole = result.ec == std::errc() && result.ptr == end;
  return whole && extent >= 1 && extent <= kMaxExtent ? extent : 0;
}

}  // namespace

StatusOr<ImageSize> ParseImageSize(std::string_view text) {
  const std::size_t cross = text.find('x');
  const bool square = cross == std::string_view::npos;
  const ImageSize size = {ParseExtent(text.substr(0, cross)),
                          ParseExtent(square ? text : text.substr(cross + 1))};
  if (size.height == 0 || size.width == 0) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is no image size: give height x width in pixels, "
                    "such as 28x28, each from 1 to {}",
                    text, kMaxExtent));
  }
  return size;
}

}  // namespace fedgap
