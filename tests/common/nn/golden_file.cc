#include "tests/common/nn/golden_file.h"

#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "common/base/check.h"
#include "common/base/file_io.h"

namespace fedgap {
namespace {

template <typename T>
std::vector<float> Decode(std::string_view bytes) {
  std::vector<float> values;
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(T)) {
    T value;  // every machine that fedgap supports is little-endian
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    values.push_back(static_cast<float>(value));
  }
  return values;
}

std::vector<float> DecodeAs(const std::string& type, std::string_view bytes) {
  if (type == "F32") return Decode<float>(bytes);
  if (type == "I32") return Decode<std::int32_t>(bytes);
  FEDGAP_CHECK(type == "U8");
  return Decode<std::uint8_t>(bytes);
}

}  // namespace

GoldenFile::GoldenFile(const std::filesystem::path& path) {
  const StatusOr<std::string> file = ReadFileText(path);
  FEDGAP_CHECK(file.ok());
  const std::string_view bytes = *file;
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), sizeof(header_bytes));
  const auto header =
      nlohmann::json::parse(bytes.substr(sizeof(header_bytes), header_bytes));
  const std::string_view data =
      bytes.substr(sizeof(header_bytes) + header_bytes);
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      metadata_ = entry.get<std::map<std::string, std::string>>();
      continue;
    }
    const std::size_t begin = entry["data_offsets"][0];
    const std::size_t end = entry["data_offsets"][1];
    tensors_[name] = {entry["shape"].get<std::vector<std::int64_t>>(),
                      DecodeAs(entry["dtype"].get<std::string>(),
                               data.substr(begin, end - begin))};
  }
}

const std::string& GoldenFile::text(const std::string& key) const {
  FEDGAP_CHECK(metadata_.contains(key));
  return metadata_.at(key);
}

double GoldenFile::number(const std::string& key) const {
  return std::stod(text(key));
}

const std::vector<float>& GoldenFile::tensor(const std::string& name) const {
  FEDGAP_CHECK(tensors_.contains(name));
  return tensors_.at(name).values;
}

const std::vector<std::int64_t>& GoldenFile::shape(
    const std::string& name) const {
  FEDGAP_CHECK(tensors_.contains(name));
  return tensors_.at(name).shape;
}

}  // namespace fedgap
