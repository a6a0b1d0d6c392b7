#include "common/data/png.h"

#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <utility>
#include <vector>

#include "common/data/pixel_format.h"

namespace fedgap {
namespace {

// What libpng reads from and reports to, and what must survive a longjmp.
struct Decoder {
  ~Decoder() { png_destroy_read_struct(&png, &info, nullptr); }

  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::uint8_t> rest;
  std::array<char, 128> error{};
};

void OnError(png_structp png, png_const_charp message) {
  auto* decoder = static_cast<Decoder*>(png_get_error_ptr(png));
  std::strncpy(decoder->error.data(), message, decoder->error.size() - 1);
  png_longjmp(png, 1);
}

void OnWarning(png_structp, png_const_charp) {}

void OnRead(png_structp png, png_bytep out, png_size_t size) {
  auto* decoder = static_cast<Decoder*>(png_get_io_ptr(png));
  if (size > decoder->rest.size()) png_error(png, "the file is truncated");
  std::memcpy(out, decoder->rest.data(), size);
  decoder->rest = decoder->rest.subspan(size);
}

// libpng reports an error by longjmp to these functions: no object with a
// destructor may live in them. False: decoder->error says why.
bool ReadHeader(Decoder* decoder) {
  if (setjmp(png_jmpbuf(decoder->png)) != 0) return false;
  // Memory for one ancillary chunk (text, profile); the image has its own
  // limit.
  png_set_chunk_malloc_max(decoder->png, 8 << 20);
  png_set_user_limits(decoder->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
  png_read_info(decoder->png, decoder->info);
  png_set_expand(decoder->png);
  png_set_scale_16(decoder->png);
  png_set_interlace_handling(decoder->png);
  png_read_update_info(decoder->png, decoder->info);
  return true;
}

bool ReadRows(Decoder* decoder, png_bytep* rows) {
  if (setjmp(png_jmpbuf(decoder->png)) != 0) return false;
  png_read_image(decoder->png, rows);
  png_read_end(decoder->png, nullptr);
  return true;
}

Status Damaged(const Decoder& decoder) {
  return absl::InvalidArgumentError(
      fmt::format("damaged PNG: {}", decoder.error.data()));
}

}  // namespace

bool IsPng(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 8 && png_sig_cmp(bytes.data(), 0, 8) == 0;
}

StatusOr<DecodedImage> DecodePng(std::span<const std::uint8_t> bytes,
                                 const DecodeOptions& options) {
  if (!IsPng(bytes)) return absl::InvalidArgumentError("not a PNG file");
  Decoder decoder;
  decoder.rest = bytes;
  decoder.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &decoder, OnError,
                                       OnWarning);
  if (decoder.png != nullptr) {
    decoder.info = png_create_info_struct(decoder.png);
  }
  if (decoder.info == nullptr) {
    return absl::ResourceExhaustedError("libpng could not start");
  }
  png_set_read_fn(decoder.png, &decoder, OnRead);
  if (!ReadHeader(&decoder)) return Damaged(decoder);

  const png_uint_32 height = png_get_image_height(decoder.png, decoder.info);
  const png_uint_32 width = png_get_image_width(decoder.png, decoder.info);
  FEDGAP_RETURN_IF_ERROR(CheckDecodedSize(height, width, options));
  const int channels = png_get_channels(decoder.png, decoder.info);
  const std::size_t row_bytes =
      std::size_t{width} * static_cast<std::size_t>(channels);
  std::vector<std::uint8_t> pixels(row_bytes * height);
  std::vector<png_bytep> rows(height);
  for (std::size_t y = 0; y < height; ++y) {
    rows[y] = pixels.data() + y * row_bytes;
  }
  if (!ReadRows(&decoder, rows.data())) return Damaged(decoder);

  const bool has_alpha = channels == 2 || channels == 4;
  if (has_alpha) pixels = CompositeOverWhite(pixels, channels);
  const int colours = has_alpha ? channels - 1 : channels;
  return DecodedImage{
      {static_cast<int>(height), static_cast<int>(width)},
      ConvertChannels(std::move(pixels), colours, options.channels),
      colours};
}

}  // namespace fedgap
