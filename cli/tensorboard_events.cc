#include "cli/tensorboard_events.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <array>
#include <bit>

namespace fedgap {
namespace {

using google::protobuf::io::CodedOutputStream;
using google::protobuf::io::StringOutputStream;

// The fields of tensorflow.Event, Summary and Summary.Value that are written.
// A tag is the field's number and how its value is coded.
constexpr std::uint32_t kVarint = 0;
constexpr std::uint32_t kEightBytes = 1;
constexpr std::uint32_t kLengthDelimited = 2;
constexpr std::uint32_t kFourBytes = 5;
constexpr std::uint32_t Tag(std::uint32_t field, std::uint32_t coding) {
  return field << 3U | coding;
}
constexpr std::uint32_t kEventWallTime = Tag(1, kEightBytes);
constexpr std::uint32_t kEventStep = Tag(2, kVarint);
constexpr std::uint32_t kEventFileVersion = Tag(3, kLengthDelimited);
constexpr std::uint32_t kEventSummary = Tag(5, kLengthDelimited);
constexpr std::uint32_t kSummaryValue = Tag(1, kLengthDelimited);
constexpr std::uint32_t kValueTag = Tag(1, kLengthDelimited);
constexpr std::uint32_t kValueSimpleValue = Tag(2, kFourBytes);

constexpr char kFileVersion[] = "brain.Event:2";

constexpr std::array<std::uint32_t, 256> MakeCrcTable() {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? kPolynomial : 0U);
    }
    table[byte] = crc;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrcTable = MakeCrcTable();

// A CRC of data that holds CRCs is weak: TFRecord stores this instead.
std::uint32_t MaskedCrc(std::string_view bytes) {
  return std::rotr(Crc32c(bytes), 15) + 0xa282ead8U;
}

// A message, written field by field.
class MessageWriter {
 public:
  void Double(std::uint32_t tag, double value) {
    out_.WriteTag(tag);
    out_.WriteLittleEndian64(std::bit_cast<std::uint64_t>(value));
  }
  void Float(std::uint32_t tag, float value) {
    out_.WriteTag(tag);
    out_.WriteLittleEndian32(std::bit_cast<std::uint32_t>(value));
  }
  void Integer(std::uint32_t tag, std::int64_t value) {
    out_.WriteTag(tag);
    out_.WriteVarint64(static_cast<std::uint64_t>(value));
  }
  void Bytes(std::uint32_t tag, const std::string& value) {
    out_.WriteTag(tag);
    out_.WriteVarint64(value.size());
    out_.WriteString(value);
  }
  std::string Finish() {
    out_.Trim();
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  StringOutputStream stream_{&bytes_};
  CodedOutputStream out_{&stream_};
};

}  // namespace

std::uint32_t Crc32c(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc = kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xffU] ^ crc >> 8U;
  }
  return ~crc;
}

std::string ToTfRecord(std::string_view data) {
  std::string record;
  const auto append = [&record](std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) {
      record += static_cast<char>(value >> (8 * i) & 0xffU);
    }
  };
  append(data.size(), 8);
  append(MaskedCrc(record), 4);
  record += data;
  append(MaskedCrc(data), 4);
  return record;
}

std::string TensorboardHeader(double wall_seconds) {
  MessageWriter event;
  event.Double(kEventWallTime, wall_seconds);
  event.Bytes(kEventFileVersion, kFileVersion);
  return ToTfRecord(event.Finish());
}

std::string TensorboardEvent(double wall_seconds, std::int64_t step,
                             const std::vector<TensorboardScalar>& scalars) {
  MessageWriter summary;
  for (const TensorboardScalar& scalar : scalars) {
    MessageWriter value;
    value.Bytes(kValueTag, scalar.tag);
    value.Float(kValueSimpleValue, scalar.value);
    summary.Bytes(kSummaryValue, value.Finish());
  }
  MessageWriter event;
  event.Double(kEventWallTime, wall_seconds);
  event.Integer(kEventStep, step);
  event.Bytes(kEventSummary, summary.Finish());
  return ToTfRecord(event.Finish());
}

}  // namespace fedgap
