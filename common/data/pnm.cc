#include "common/data/pnm.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "common/data/pixel_format.h"

namespace fedgap {
namespace {

constexpr unsigned kMaxMaximum = 65535;

struct Header {
  bool binary = false;
  int channels = 0;
  unsigned width = 0;
  unsigned height = 0;
  unsigned maximum = 0;
};

Status Damaged(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("damaged PNM: {}", what));
}

bool IsSpace(std::uint8_t c) { return c == ' ' || (c >= 9 && c <= 13); }
bool IsDigit(std::uint8_t c) { return c >= '0' && c <= '9'; }

// Reads the file's tokens: numbers parted by white space and comments.
class Scanner {
 public:
  explicit Scanner(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  StatusOr<unsigned> NextNumber() {
    SkipSpaceAndComments();
    if (rest_.empty()) return Damaged("it ends where a number should be");
    if (!IsDigit(rest_.front())) return Damaged("a number is malformed");
    unsigned value = 0;
    while (!rest_.empty() && IsDigit(rest_.front())) {
      value = value * 10 + (rest_.front() - unsigned{'0'});
      if (value > 1u << 28) return Damaged("a number is too large");
      rest_ = rest_.subspan(1);
    }
    return value;
  }

  void SkipSpaceAndComments() {
    bool in_comment = false;
    while (!rest_.empty()) {
      const std::uint8_t c = rest_.front();
      if (c == '#') in_comment = true;
      if (c == '\n' || c == '\r') in_comment = false;
      if (!in_comment && !IsSpace(c)) return;
      rest_ = rest_.subspan(1);
    }
  }

  std::span<const std::uint8_t>& rest() { return rest_; }

 private:
  std::span<const std::uint8_t> rest_;
};

StatusOr<Header> ReadHeader(std::uint8_t kind, Scanner& scanner) {
  Header header;
  header.binary = kind == '5' || kind == '6';
  header.channels = kind == '2' || kind == '5' ? 1 : 3;
  FEDGAP_ASSIGN_OR_RETURN(header.width, scanner.NextNumber());
  FEDGAP_ASSIGN_OR_RETURN(header.height, scanner.NextNumber());
  FEDGAP_ASSIGN_OR_RETURN(header.maximum, scanner.NextNumber());
  if (header.maximum == 0 || header.maximum > kMaxMaximum) {
    return Damaged(fmt::format("its greatest value is {}, not 1 to {}",
                               header.maximum, kMaxMaximum));
  }
  if (!header.binary) return header;
  // One white space ends a binary header; what follows is data.
  if (scanner.rest().empty() || !IsSpace(scanner.rest().front())) {
    return Damaged("no white space after the header");
  }
  scanner.rest() = scanner.rest().subspan(1);
  return header;
}

StatusOr<std::uint8_t> Scale(unsigned value, unsigned maximum) {
  if (value > maximum) {
    return Damaged(fmt::format("value {} is above the file's greatest, {}",
                               value, maximum));
  }
  return static_cast<std::uint8_t>((value * 255u + maximum / 2) / maximum);
}

StatusOr<std::vector<std::uint8_t>> ReadBinary(
    const Header& header, std::size_t values,
    std::span<const std::uint8_t> bytes) {
  const std::size_t width = header.maximum > 255 ? 2 : 1;
  if (bytes.size() != values * width) {
    return Damaged(fmt::format(
        "{} bytes of values; {}x{} with {} channels needs {}{}", bytes.size(),
        header.height, header.width, header.channels, values * width,
        bytes.size() > values * width ? " (line ends converted?)" : ""));
  }
  std::vector<std::uint8_t> pixels(values);
  if (header.maximum == 255) {
    std::copy(bytes.begin(), bytes.end(), pixels.begin());
    return pixels;
  }
  for (std::size_t i = 0; i < values; ++i) {
    const unsigned value =
        width == 1 ? bytes[i] : bytes[2 * i] * 256u + bytes[2 * i + 1];
    FEDGAP_ASSIGN_OR_RETURN(pixels[i], Scale(value, header.maximum));
  }
  return pixels;
}

StatusOr<std::vector<std::uint8_t>> ReadText(const Header& header,
                                             std::size_t values,
                                             Scanner& scanner) {
  // A value takes a digit and a space, so this bounds the allocation.
  if (scanner.rest().size() / 2 + 1 < values) {
    return Damaged("it ends before its last value");
  }
  std::vector<std::uint8_t> pixels(values);
  for (std::uint8_t& pixel : pixels) {
    FEDGAP_ASSIGN_OR_RETURN(const unsigned value, scanner.NextNumber());
    FEDGAP_ASSIGN_OR_RETURN(pixel, Scale(value, header.maximum));
  }
  scanner.SkipSpaceAndComments();
  if (!scanner.rest().empty()) return Damaged("more values than its size says");
  return pixels;
}

}  // namespace

bool IsPnm(std::span<const std::uint8_t> bytes) {
  return bytes.size() >= 3 && bytes[0] == 'P' &&
         (bytes[1] == '2' || bytes[1] == '3' || bytes[1] == '5' ||
          bytes[1] == '6') &&
         (IsSpace(bytes[2]) || bytes[2] == '#');
}

StatusOr<DecodedImage> DecodePnm(std::span<const std::uint8_t> bytes,
                                 const DecodeOptions& options) {
  if (!IsPnm(bytes)) {
    return absl::InvalidArgumentError(
        "not a PGM or PPM file (P2, P3, P5 or P6)");
  }
  Scanner scanner(bytes.subspan(2));
  FEDGAP_ASSIGN_OR_RETURN(const Header header, ReadHeader(bytes[1], scanner));
  FEDGAP_RETURN_IF_ERROR(
      CheckDecodedSize(header.height, header.width, options));
  const std::size_t values = std::size_t{header.height} * header.width *
                             static_cast<std::size_t>(header.channels);
  FEDGAP_ASSIGN_OR_RETURN(std::vector<std::uint8_t> pixels,
                          header.binary
                              ? ReadBinary(header, values, scanner.rest())
                              : ReadText(header, values, scanner));
  return DecodedImage{
      {static_cast<int>(header.height), static_cast<int>(header.width)},
      ConvertChannels(std::move(pixels), header.channels, options.channels),
      header.channels};
}

}  // namespace fedgap
