// Checks the fields of one message from outside, one by one.
#ifndef FEDGAP_COMMON_WIRE_MESSAGE_READER_H_
#define FEDGAP_COMMON_WIRE_MESSAGE_READER_H_

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/status.h"
#include "common/crypto/sha256.h"
#include "common/crypto/xxh3.h"

namespace fedgap {

// Every call returns the field's value if it is allowed, else a harmless
// default, and keeps the first error: INVALID_ARGUMENT, naming message and
// field, the value and what is allowed. A conversion reads all fields, then
// asks status() once. Not thread-safe.
class MessageReader {
 public:
  // `message` names what is read, e.g. "task.training".
  explicit MessageReader(std::string message) : message_(std::move(message)) {}

  std::int64_t Integer(std::string_view field, std::int64_t value,
                       std::int64_t min, std::int64_t max);
  int Int(std::string_view field, std::int64_t value, int min, int max) {
    return static_cast<int>(Integer(field, value, min, max));
  }
  // Finite and in [min, max].
  double Real(std::string_view field, double value, double min, double max);
  // min_bytes to max_bytes printable ASCII characters without spaces.
  std::string Name(std::string_view field, const std::string& value,
                   std::int64_t min_bytes, std::int64_t max_bytes);
  // At most max_bytes bytes, IsPrintableUtf8: it may end in a log or on a
  // terminal.
  std::string Text(std::string_view field, const std::string& value,
                   std::int64_t max_bytes);
  Sha256Digest Digest(std::string_view field, const std::string& bytes);
  Xxh3Digest Checksum(std::string_view field, const std::string& bytes);

  // Notes an error about `field` unless `condition` holds.
  void Require(bool condition, std::string_view field,
               std::string_view complaint);
  // Notes the error of a nested message.
  void Nested(const Status& status);
  // The value of a nested message, or a default and its error noted.
  template <typename T>
  T Take(StatusOr<T> value) {
    if (value.ok()) return std::move(value).value();
    Nested(value.status());
    return T{};
  }

  bool ok() const { return status_.ok(); }
  const Status& status() const { return status_; }

 private:
  std::string message_;
  Status status_;
};

// What MessageReader::Text accepts, made of any bytes: control characters
// become spaces, what is too long is cut between two characters.
std::string PrintableText(std::string_view text, std::int64_t max_bytes);

// Whether the message itself, not one inside it, has a field that came after
// this release.
bool HasUnknownFields(const google::protobuf::Message& message);

// The bytes of a digest as they stand in a message.
template <std::size_t kSize>
std::string BytesOf(const std::array<std::uint8_t, kSize>& digest) {
  return std::string(digest.begin(), digest.end());
}

}  // namespace fedgap

#endif  // FEDGAP_COMMON_WIRE_MESSAGE_READER_H_
