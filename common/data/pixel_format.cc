#include "common/data/pixel_format.h"

#include <fmt/format.h>

#include "common/base/check.h"

namespace fedgap {

std::vector<std::uint8_t> ConvertChannels(std::vector<std::uint8_t> pixels,
                                          int from, int to) {
  FEDGAP_CHECK((from == 1 || from == 3) && (to == 1 || to == 3));
  if (from == to) return pixels;
  std::vector<std::uint8_t> out;
  if (to == 1) {
    out.resize(pixels.size() / 3);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = GreyOf(pixels[3 * i], pixels[3 * i + 1], pixels[3 * i + 2]);
    }
  } else {
    out.resize(pixels.size() * 3);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = pixels[i / 3];
  }
  return out;
}

std::vector<std::uint8_t> CompositeOverWhite(
    std::span<const std::uint8_t> pixels, int channels) {
  FEDGAP_CHECK(channels == 2 || channels == 4);
  const auto in = static_cast<std::size_t>(channels);
  const std::size_t count = pixels.size() / in;
  std::vector<std::uint8_t> out(count * (in - 1));
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned alpha = pixels[i * in + in - 1];
    for (std::size_t c = 0; c + 1 < in; ++c) {
      const unsigned sum =
          pixels[i * in + c] * alpha + 255u * (255u - alpha) + 127u;
      out[i * (in - 1) + c] = static_cast<std::uint8_t>(sum / 255u);
    }
  }
  return out;
}

Status CheckDecodedSize(std::uint64_t height, std::uint64_t width,
                        const DecodeOptions& options) {
  if (height == 0 || width == 0) {
    return absl::InvalidArgumentError(
        fmt::format("an image of size {}x{} has no pixels", height, width));
  }
  const auto limit = static_cast<std::uint64_t>(options.max_pixels);
  if (height > limit || width > limit / height) {
    return absl::ResourceExhaustedError(
        fmt::format("an image of {}x{} pixels; at most {} pixels are decoded",
                    height, width, options.max_pixels));
  }
  return absl::OkStatus();
}

}  // namespace fedgap
