#include "common/rpc/status_conversion.h"

#include <cstdint>

namespace fedgap {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "...";

// Bytes of the well-formed UTF-8 character at the front (Unicode 15, table
// 3-7), 0 if there is none.
std::size_t CharacterLength(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i])
                           : std::uint8_t{0};
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const std::uint8_t first = byte(0);
  const std::uint8_t second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    const bool overlong = first == 0xE0 && second < 0xA0;
    const bool surrogate = first == 0xED && second > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool overlong = first == 0xF0 && second < 0x90;
    const bool too_large = first == 0xF4 && second > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !too_large
               ? 4
               : 0;
  }
  return 0;
}

// C0, DEL and C1 (U+0080 to U+009F).
bool IsControl(std::string_view character) {
  const auto first = static_cast<std::uint8_t>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7F;
  return first == 0xC2 && static_cast<std::uint8_t>(character[1]) < 0xA0;
}

// absl's codes are gRPC's (canonical_codes 0 to 16).
constexpr int kLastCode = static_cast<int>(grpc::StatusCode::UNAUTHENTICATED);
static_assert(static_cast<int>(absl::StatusCode::kUnauthenticated) ==
              kLastCode);

}  // namespace

std::string SanitizeMessage(std::string_view text) {
  std::string clean;
  std::size_t cut = 0;  // where the ellipsis goes if the text is too long
  while (!text.empty()) {
    const std::size_t length = CharacterLength(text);
    std::string_view shown =
        length == 0 ? kReplacement : text.substr(0, length);
    if (length != 0 && IsControl(shown)) shown = " ";
    clean += shown;
    if (clean.size() > kMaxStatusMessageBytes) {
      return clean.substr(0, cut).append(kEllipsis);
    }
    if (clean.size() + kEllipsis.size() <= kMaxStatusMessageBytes) {
      cut = clean.size();
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return clean;
}

grpc::Status ToGrpcStatus(const Status& status) {
  if (status.ok()) return grpc::Status::OK;
  const int code = static_cast<int>(status.code());
  return grpc::Status(static_cast<grpc::StatusCode>(code),
                      SanitizeMessage(MessageOf(status)));
}

Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const int code = static_cast<int>(status.error_code());
  return Status(code < 0 || code > kLastCode
                    ? absl::StatusCode::kUnknown
                    : static_cast<absl::StatusCode>(code),
                SanitizeMessage(status.error_message()));
}

}  // namespace fedgap
