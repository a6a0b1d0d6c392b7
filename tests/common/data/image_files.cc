#include "tests/common/data/image_files.h"

#include <png.h>
#include <zlib.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

#include "common/base/check.h"

namespace fedgap {
namespace {

void AppendBytes(png_structp png, png_bytep data, png_size_t size) {
  auto* out = static_cast<Bytes*>(png_get_io_ptr(png));
  out->insert(out->end(), data, data + size);
}

int ColourType(PngColour colour) {
  switch (colour) {
    case PngColour::kGrey:
      return PNG_COLOR_TYPE_GRAY;
    case PngColour::kGreyAlpha:
      return PNG_COLOR_TYPE_GRAY_ALPHA;
    case PngColour::kRgb:
      return PNG_COLOR_TYPE_RGB;
    case PngColour::kRgba:
      return PNG_COLOR_TYPE_RGB_ALPHA;
    case PngColour::kPalette:
      return PNG_COLOR_TYPE_PALETTE;
  }
  std::abort();
}

void SetPalette(png_structp png, png_infop info) {
  const std::array<png_color, 4> palette = {
      {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {0, 0, 0}}};
  const std::array<png_byte, 4> alpha = {255, 255, 255, 128};
  png_set_PLTE(png, info, palette.data(), 4);
  png_set_tRNS(png, info, alpha.data(), 4, nullptr);
}

}  // namespace

Bytes EncodePng(const Bytes& rows, const PngOptions& options) {
  Bytes out;
  png_structp png =
      png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  const auto height = static_cast<png_uint_32>(options.size.height);
  png_set_write_fn(png, &out, AppendBytes, nullptr);
  png_set_IHDR(png, info, static_cast<png_uint_32>(options.size.width), height,
               options.bit_depth, ColourType(options.colour),
               options.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (options.colour == PngColour::kPalette) SetPalette(png, info);
  png_write_info(png, info);
  const std::size_t row_bytes = png_get_rowbytes(png, info);
  FEDGAP_CHECK(rows.size() == row_bytes * height);
  std::vector<png_bytep> pointers;
  for (std::size_t y = 0; y < height; ++y) {
    pointers.push_back(const_cast<png_bytep>(rows.data() + y * row_bytes));
  }
  png_write_image(png, pointers.data());
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

Bytes EncodeJpeg(const Bytes& pixels, ImageSize size, int channels, int quality,
                 bool progressive) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors;
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* buffer = nullptr;
  unsigned long length = 0;
  jpeg_mem_dest(&info, &buffer, &length);
  info.image_height = static_cast<JDIMENSION>(size.height);
  info.image_width = static_cast<JDIMENSION>(size.width);
  info.input_components = channels;
  info.in_color_space = channels == 1   ? JCS_GRAYSCALE
                        : channels == 3 ? JCS_RGB
                                        : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, quality, TRUE);
  if (progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  const std::size_t row_bytes =
      static_cast<std::size_t>(size.width) * static_cast<std::size_t>(channels);
  for (std::size_t y = 0; y < info.image_height; ++y) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels.data() + y * row_bytes);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  Bytes out(buffer, buffer + length);
  jpeg_destroy_compress(&info);
  std::free(buffer);
  return out;
}

Bytes Gzip(const Bytes& bytes) {
  z_stream stream{};
  FEDGAP_CHECK(deflateInit2(&stream, 6, Z_DEFLATED, MAX_WBITS + 16, 8,
                            Z_DEFAULT_STRATEGY) == Z_OK);
  Bytes out(deflateBound(&stream, bytes.size()) + 64);
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  FEDGAP_CHECK(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes EncodeIdx(const std::vector<std::uint32_t>& extents,
                const Bytes& values) {
  Bytes out = {0, 0, 8, static_cast<std::uint8_t>(extents.size())};
  for (const std::uint32_t extent : extents) {
    for (const int shift : {24, 16, 8, 0}) {
      out.push_back(static_cast<std::uint8_t>(extent >> shift));
    }
  }
  out.insert(out.end(), values.begin(), values.end());
  return out;
}

Bytes ToBytes(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace fedgap
