#include "common/data/jpeg.h"

#include <fmt/format.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <utility>
#include <vector>

#include <jpeglib.h>

#include <jerror.h>

#include "common/data/pixel_format.h"

namespace fedgap {
namespace {

constexpr int kMaxScans = 500;

// What libjpeg reports to, and what must survive a longjmp.
struct ErrorSink {
  jpeg_error_mgr manager;
  jpeg_progress_mgr progress;
  std::jmp_buf jump;
  std::array<char, JMSG_LENGTH_MAX> message{};
  bool too_many_scans = false;
};

struct Decoder {
  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { jpeg_destroy_decompress(&info); }

  jpeg_decompress_struct info{};
  ErrorSink sink;
};

ErrorSink* SinkOf(j_common_ptr info) {
  return static_cast<ErrorSink*>(info->client_data);
}

[[noreturn]] void OnError(j_common_ptr info) {
  ErrorSink* sink = SinkOf(info);
  info->err->format_message(info, sink->message.data());
  std::longjmp(sink->jump, 1);
}

// libjpeg goes on after a warning with made-up pixels, so a warning about the
// image data is an error here.
void OnMessage(j_common_ptr info, int level) {
  if (level >= 0) return;
  const int code = info->err->msg_code;
  const bool harmless = code == JWRN_EXTRANEOUS_DATA ||
                        code == JWRN_JFIF_MAJOR || code == JWRN_ADOBE_XFORM;
  if (!harmless) OnError(info);
}

// A file of many tiny scans over a large image costs minutes.
void OnProgress(j_common_ptr info) {
  const auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= kMaxScans) return;
  SinkOf(info)->too_many_scans = true;
  std::longjmp(SinkOf(info)->jump, 1);
}

// libjpeg reports an error by longjmp to these functions: no object with a
// destructor may live in them. False: the sink says why.
bool ReadHeader(Decoder* decoder, const std::uint8_t* bytes,
                unsigned long size) {
  jpeg_decompress_struct* info = &decoder->info;
  info->err = jpeg_std_error(&decoder->sink.manager);
  decoder->sink.manager.error_exit = OnError;
  decoder->sink.manager.emit_message = OnMessage;
  info->client_data = &decoder->sink;
  if (setjmp(decoder->sink.jump) != 0) return false;
  jpeg_create_decompress(info);
  info->progress = &decoder->sink.progress;
  decoder->sink.progress.progress_monitor = OnProgress;
  jpeg_mem_src(info, bytes, size);
  jpeg_read_header(info, TRUE);
  return true;
}

bool ReadRows(Decoder* decoder, std::uint8_t* pixels, std::size_t row_bytes) {
  jpeg_decompress_struct* info = &decoder->info;
  if (setjmp(decoder->sink.jump) != 0) return false;
  jpeg_start_decompress(info);
  while (info->output_scanline < info->output_height) {
    JSAMPROW row = pixels + info->output_scanline * row_bytes;
    jpeg_read_scanlines(info, &row, 1);
  }
  jpeg_finish_decompress(info);
  return true;
}

Status Failure(const Decoder& decoder) {
  if (decoder.sink.too_many_scans) {
    return absl::ResourceExhaustedError(
        fmt::format("JPEG of more than {} scans", kMaxScans));
  }
  return absl::InvalidArgumentError(
      fmt::format("damaged JPEG: {}", decoder.sink.message.data()));
}

}  // namespace

bool IsJpeg(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 &&
         bytes[2] == 0xff;
}

StatusOr<DecodedImage> DecodeJpeg(std::span<const std::uint8_t> bytes,
                                  const DecodeOptions& options) {
  if (!IsJpeg(bytes)) return absl::InvalidArgumentError("not a JPEG file");
  Decoder decoder;
  if (!ReadHeader(&decoder, bytes.data(), bytes.size())) {
    return Failure(decoder);
  }
  jpeg_decompress_struct& info = decoder.info;
  FEDGAP_RETURN_IF_ERROR(
      CheckDecodedSize(info.image_height, info.image_width, options));
  if (info.num_components != 1 && info.num_components != 3) {
    return absl::InvalidArgumentError(fmt::format(
        "JPEG with {} components (CMYK?); convert it to RGB or grey",
        info.num_components));
  }
  const int channels = info.num_components;
  info.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = FALSE;
  info.do_block_smoothing = FALSE;
  const std::size_t row_bytes =
      std::size_t{info.image_width} * static_cast<std::size_t>(channels);
  std::vector<std::uint8_t> pixels(row_bytes * info.image_height);
  if (!ReadRows(&decoder, pixels.data(), row_bytes)) return Failure(decoder);
  const ImageSize size{static_cast<int>(info.image_height),
                       static_cast<int>(info.image_width)};
  return DecodedImage{
      size, ConvertChannels(std::move(pixels), channels, options.channels),
      channels};
}

}  // namespace fedgap
