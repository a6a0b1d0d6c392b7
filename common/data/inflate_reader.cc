#include "common/data/inflate_reader.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "common/base/check.h"

namespace fedgap {
namespace {

// zlib counts in unsigned int.
constexpr std::size_t kMaxStep = std::size_t{1} << 30;
constexpr std::uint64_t kMaxExpansion = 1032;

bool IsGzip(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

}  // namespace

struct InflateReader::Inflater {
  z_stream stream{};
  bool ended = false;
};

InflateReader::InflateReader(std::span<const std::uint8_t> bytes)
    : rest_(bytes) {
  if (!IsGzip(bytes)) return;
  inflater_ = std::make_unique<Inflater>();
  constexpr int kGzipOnly = 16;
  FEDGAP_CHECK(inflateInit2(&inflater_->stream, MAX_WBITS + kGzipOnly) == Z_OK);
}

InflateReader::~InflateReader() {
  if (inflater_ != nullptr) inflateEnd(&inflater_->stream);
}

StatusOr<std::size_t> InflateReader::Read(std::span<std::uint8_t> out) {
  if (inflater_ == nullptr) {
    const std::size_t count = std::min(out.size(), rest_.size());
    std::copy_n(rest_.begin(), count, out.begin());
    rest_ = rest_.subspan(count);
    return count;
  }
  z_stream& stream = inflater_->stream;
  std::size_t done = 0;
  while (done < out.size() && !inflater_->ended) {
    const auto input = static_cast<uInt>(std::min(rest_.size(), kMaxStep));
    const auto room = static_cast<uInt>(std::min(out.size() - done, kMaxStep));
    stream.next_in = const_cast<Bytef*>(rest_.data());
    stream.avail_in = input;
    stream.next_out = out.data() + done;
    stream.avail_out = room;
    const int result = inflate(&stream, Z_NO_FLUSH);
    rest_ = rest_.subspan(input - stream.avail_in);
    done += room - stream.avail_out;
    if (result == Z_STREAM_END) {
      inflater_->ended = true;
    } else if (result == Z_BUF_ERROR ||
               (result == Z_OK && rest_.empty() && stream.avail_out > 0)) {
      return absl::DataLossError("the gzip data is truncated");
    } else if (result != Z_OK) {
      return absl::DataLossError(
          fmt::format("the gzip data is damaged: {}",
                      stream.msg != nullptr ? stream.msg : "unknown error"));
    }
  }
  return done;
}

std::uint64_t InflateReader::MaxRemaining() const {
  if (inflater_ == nullptr) return rest_.size();
  // What zlib already holds in its window comes on top.
  return (rest_.size() + 1) * kMaxExpansion + 65536;
}

}  // namespace fedgap
