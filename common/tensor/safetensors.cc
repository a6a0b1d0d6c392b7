#include "common/tensor/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

static_assert(std::endian::native == std::endian::little,
              "values are copied as they stand in memory");

using Json = nlohmann::ordered_json;
constexpr char kMetadataKey[] = "__metadata__";
constexpr std::size_t kLengthBytes = 8;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the reference's limit

template <typename T>
std::span<const std::uint8_t> AsBytes(std::span<const T> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()),
          values.size_bytes()};
}

// Bytes of one element; 0 for a type that the format does not know.
std::uint64_t BytesOf(std::string_view dtype) {
  constexpr std::pair<std::string_view, std::uint64_t> kTypes[] = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},
      {"I32", 4}, {"I16", 2}, {"I8", 1},  {"U64", 8},  {"U32", 4},
      {"U16", 2}, {"U8", 1},  {"BOOL", 1}};
  for (const auto& [name, bytes] : kTypes) {
    if (name == dtype) return bytes;
  }
  return 0;
}

Status Broken(std::string_view what) {
  return absl::DataLossError(fmt::format("not a safetensors file: {}", what));
}

// The shape, if its elements of `item_bytes` fill exactly `bytes`.
StatusOr<Shape> ReadShape(const Json& json, std::uint64_t item_bytes,
                          std::uint64_t bytes) {
  if (!json.is_array()) return Broken("a shape is not an array");
  std::vector<std::int64_t> extents;
  std::uint64_t size = item_bytes;
  for (const Json& extent : json) {
    if (!extent.is_number_unsigned()) return Broken("an extent is no count");
    const auto value = extent.get<std::uint64_t>();
    if (value > INT64_MAX || __builtin_mul_overflow(size, value, &size)) {
      return Broken("a shape is too large");
    }
    extents.push_back(static_cast<std::int64_t>(value));
  }
  if (size != bytes) return Broken("a shape does not fit its bytes");
  return Shape(std::move(extents));
}

StatusOr<SafetensorsFile::Tensor> ReadEntry(const std::string& name,
                                            const Json& json) {
  SafetensorsFile::Tensor tensor{.name = name, .dtype = {}, .shape = {}};
  if (!json.is_object()) return Broken("an entry is not an object");
  const auto dtype = json.find("dtype");
  const auto shape = json.find("shape");
  const auto offsets = json.find("data_offsets");
  if (dtype == json.end() || !dtype->is_string() || shape == json.end() ||
      offsets == json.end() || !offsets->is_array() || offsets->size() != 2 ||
      !(*offsets)[0].is_number_unsigned() ||
      !(*offsets)[1].is_number_unsigned()) {
    return Broken("an entry lacks dtype, shape or data_offsets");
  }
  tensor.dtype = dtype->get<std::string>();
  tensor.begin = (*offsets)[0].get<std::uint64_t>();
  tensor.end = (*offsets)[1].get<std::uint64_t>();
  const std::uint64_t item_bytes = BytesOf(tensor.dtype);
  if (item_bytes == 0) return Broken("an unknown dtype");
  if (tensor.begin > tensor.end) return Broken("a byte range is reversed");
  FEDGAP_ASSIGN_OR_RETURN(
      tensor.shape, ReadShape(*shape, item_bytes, tensor.end - tensor.begin));
  return tensor;
}

StatusOr<SafetensorsMetadata> ReadMetadata(const Json& json) {
  SafetensorsMetadata metadata;
  if (!json.is_object()) return Broken("the metadata is not an object");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return Broken("a metadata value is no string");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

}  // namespace

void SafetensorsWriter::Add(std::string name, Shape shape,
                            std::span<const float> values) {
  FEDGAP_CHECK(shape.elements() == std::ssize(values));
  AddEntry({std::move(name), "F32", std::move(shape), AsBytes(values)});
}

void SafetensorsWriter::Add(std::string name, Shape shape,
                            std::span<const std::int64_t> values) {
  FEDGAP_CHECK(shape.elements() == std::ssize(values));
  AddEntry({std::move(name), "I64", std::move(shape), AsBytes(values)});
}

void SafetensorsWriter::AddOwned(std::string name, Shape shape,
                                 std::vector<std::int64_t> values) {
  owned_.push_back(std::move(values));
  Add(std::move(name), std::move(shape),
      std::span(std::as_const(owned_.back())));
}

void SafetensorsWriter::AddEntry(Entry entry) {
  FEDGAP_CHECK(entry.name != kMetadataKey);
  entries_.push_back(std::move(entry));
}

std::vector<std::uint8_t> SafetensorsWriter::Head() const {
  Json header = Json::object();
  if (!metadata_.empty()) header[kMetadataKey] = metadata_;
  std::uint64_t offset = 0;
  for (const Entry& entry : entries_) {
    FEDGAP_CHECK(!header.contains(entry.name));
    const std::uint64_t end = offset + entry.bytes.size();
    header[entry.name] = {{"dtype", entry.dtype},
                          {"shape", entry.shape.extents()},
                          {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text =
      header.dump(-1, ' ', false, Json::error_handler_t::replace);
  // Spaces bring the data to a multiple of 8, so that it can be mapped.
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  std::vector<std::uint8_t> bytes(kLengthBytes + text.size());
  std::memcpy(bytes.data(), &length, kLengthBytes);
  std::memcpy(bytes.data() + kLengthBytes, text.data(), text.size());
  return bytes;
}

std::vector<std::span<const std::uint8_t>> SafetensorsWriter::Pieces() {
  head_ = Head();
  std::vector<std::span<const std::uint8_t>> pieces = {head_};
  for (const Entry& entry : entries_) pieces.push_back(entry.bytes);
  return pieces;
}

std::vector<std::uint8_t> SafetensorsWriter::Finish() {
  const auto pieces = Pieces();
  std::size_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  std::vector<std::uint8_t> bytes;
  bytes.reserve(size);
  for (const auto piece : pieces) {
    bytes.insert(bytes.end(), piece.begin(), piece.end());
  }
  return bytes;
}

StatusOr<SafetensorsFile> SafetensorsFile::Parse(
    std::vector<std::uint8_t> bytes) {
  std::uint64_t length = 0;
  if (bytes.size() < kLengthBytes) return Broken("shorter than 8 bytes");
  std::memcpy(&length, bytes.data(), sizeof(length));
  if (length > kMaxHeaderBytes || length > bytes.size() - kLengthBytes) {
    return Broken("its header is cut off or absurdly long");
  }
  SafetensorsFile file;
  file.data_begin_ = kLengthBytes + static_cast<std::size_t>(length);
  const Json header =
      Json::parse(bytes.begin() + kLengthBytes,
                  bytes.begin() + static_cast<std::ptrdiff_t>(file.data_begin_),
                  nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) return Broken("its header is not a JSON object");
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadataKey) {
      FEDGAP_ASSIGN_OR_RETURN(file.metadata_, ReadMetadata(value));
      continue;
    }
    FEDGAP_ASSIGN_OR_RETURN(Tensor tensor, ReadEntry(name, value));
    file.tensors_.push_back(std::move(tensor));
  }
  std::ranges::stable_sort(file.tensors_, {}, &Tensor::begin);
  std::uint64_t at = 0;
  for (const Tensor& tensor : file.tensors_) {
    if (tensor.begin != at) return Broken("byte ranges overlap or leave gaps");
    at = tensor.end;
  }
  if (at != bytes.size() - file.data_begin_) {
    return Broken(fmt::format("{} bytes of data where {} are announced",
                              bytes.size() - file.data_begin_, at));
  }
  file.bytes_ = std::move(bytes);
  return file;
}

std::string SafetensorsFile::metadata(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? "" : found->second;
}

const SafetensorsFile::Tensor* SafetensorsFile::Find(
    std::string_view name) const {
  const auto found = std::ranges::find(tensors_, name, &Tensor::name);
  return found == tensors_.end() ? nullptr : &*found;
}

StatusOr<std::span<const std::uint8_t>> SafetensorsFile::Bytes(
    std::string_view name, std::string_view dtype) const {
  const Tensor* tensor = Find(name);
  if (tensor == nullptr) {
    return absl::NotFoundError(fmt::format("no tensor \"{}\"", name));
  }
  if (tensor->dtype != dtype) {
    return absl::InvalidArgumentError(fmt::format(
        "tensor \"{}\" is {}, wanted {}", name, tensor->dtype, dtype));
  }
  return std::span(bytes_).subspan(
      data_begin_ + static_cast<std::size_t>(tensor->begin),
      static_cast<std::size_t>(tensor->end - tensor->begin));
}

StatusOr<Parameters> SafetensorsFile::Float32(std::string_view name) const {
  FEDGAP_ASSIGN_OR_RETURN(const auto bytes, Bytes(name, "F32"));
  Parameters values(bytes.size() / sizeof(float));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

StatusOr<std::vector<std::int64_t>> SafetensorsFile::Int64(
    std::string_view name) const {
  FEDGAP_ASSIGN_OR_RETURN(const auto bytes, Bytes(name, "I64"));
  std::vector<std::int64_t> values(bytes.size() / sizeof(std::int64_t));
  if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace fedgap
