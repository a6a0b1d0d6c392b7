#include "common/wire/message_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/base/printable_text.h"

namespace fedgap {
namespace {

template <typename Digest>
Digest CopyDigest(const std::string& bytes) {
  Digest digest{};
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

}  // namespace

std::string PrintableText(std::string_view text, std::int64_t max_bytes) {
  return MakePrintable(
      text, {.control = " ", .max_bytes = static_cast<std::size_t>(max_bytes)});
}

bool HasUnknownFields(const google::protobuf::Message& message) {
  return !message.GetReflection()->GetUnknownFields(message).empty();
}

void MessageReader::Require(bool condition, std::string_view field,
                            std::string_view complaint) {
  if (condition || !status_.ok()) return;
  status_ = absl::InvalidArgumentError(
      fmt::format("{}.{} {}", message_, field, complaint));
}

void MessageReader::Nested(const Status& status) {
  if (status_.ok()) status_ = status;
}

std::int64_t MessageReader::Integer(std::string_view field, std::int64_t value,
                                    std::int64_t min, std::int64_t max) {
  if (value >= min && value <= max) return value;
  Require(false, field,
          fmt::format("is {}; allowed are {} to {}", value, min, max));
  return min;
}

double MessageReader::Real(std::string_view field, double value, double min,
                           double max) {
  // False for NaN.
  if (value >= min && value <= max) return value;
  Require(false, field,
          fmt::format("is {}; allowed are {} to {}", value, min, max));
  return min;
}

std::string MessageReader::Name(std::string_view field,
                                const std::string& value,
                                std::int64_t min_bytes,
                                std::int64_t max_bytes) {
  const auto bytes = static_cast<std::int64_t>(value.size());
  const bool printable = std::all_of(
      value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (bytes >= min_bytes && bytes <= max_bytes && printable) return value;
  Require(false, field,
          fmt::format("must be {} to {} printable ASCII characters without "
                      "spaces (it has {} bytes)",
                      min_bytes, max_bytes, bytes));
  return {};
}

std::string MessageReader::Text(std::string_view field,
                                const std::string& value,
                                std::int64_t max_bytes) {
  const auto bytes = static_cast<std::int64_t>(value.size());
  if (bytes <= max_bytes && IsPrintableUtf8(value)) return value;
  Require(false, field,
          fmt::format("must be at most {} bytes of UTF-8 without control "
                      "characters (it has {} bytes)",
                      max_bytes, bytes));
  return {};
}

Sha256Digest MessageReader::Digest(std::string_view field,
                                   const std::string& bytes) {
  if (bytes.size() == Sha256Digest{}.size()) {
    return CopyDigest<Sha256Digest>(bytes);
  }
  Require(false, field,
          fmt::format("must be 32 bytes of SHA-256, not {}", bytes.size()));
  return {};
}

Xxh3Digest MessageReader::Checksum(std::string_view field,
                                   const std::string& bytes) {
  if (bytes.size() == Xxh3Digest{}.size()) return CopyDigest<Xxh3Digest>(bytes);
  Require(false, field,
          fmt::format("must be 16 bytes of XXH3-128, not {}", bytes.size()));
  return {};
}

}  // namespace fedgap
