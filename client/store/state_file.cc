#include "client/store/state_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "common/crypto/xxh3.h"
#include "common/wire/update_bytes.h"

namespace fedgap {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Section = std::span<const std::uint8_t>;

constexpr std::string_view kMagic = "fedgap client state 1\n";

Section BytesOf(std::span<const float> values) {
  return {reinterpret_cast<const std::uint8_t*>(values.data()),
          values.size_bytes()};
}

Section BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

Status Damaged(std::string_view path) {
  return absl::DataLossError(fmt::format("{} is damaged", path));
}

// The sections of a file that EncodeStateFile made.
StatusOr<std::vector<Section>> Unpack(Section file, std::string_view path) {
  if (file.size() < kMagic.size() + sizeof(Xxh3Digest)) return Damaged(path);
  const Section body = file.first(file.size() - sizeof(Xxh3Digest));
  const Xxh3Digest digest = Xxh3Of128(body);
  if (std::memcmp(file.data(), kMagic.data(), kMagic.size()) != 0 ||
      !std::ranges::equal(file.last(sizeof(Xxh3Digest)), digest)) {
    return Damaged(path);
  }
  std::vector<Section> sections;
  Section rest = body.subspan(kMagic.size());
  while (!rest.empty()) {
    std::uint64_t length = 0;
    if (rest.size() < sizeof(length)) return Damaged(path);
    std::memcpy(&length, rest.data(), sizeof(length));
    rest = rest.subspan(sizeof(length));
    if (length > rest.size()) return Damaged(path);
    sections.push_back(rest.first(length));
    rest = rest.subspan(length);
  }
  return sections;
}

StatusOr<Parameters> FloatsOf(Section bytes, std::string_view path) {
  if (bytes.size() % sizeof(float) != 0) return Damaged(path);
  Parameters values(bytes.size() / sizeof(float));
  if (values.empty()) return values;
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

std::vector<std::uint8_t> EncodeStateFile(
    const std::vector<std::span<const std::uint8_t>>& sections) {
  Bytes file(kMagic.begin(), kMagic.end());
  for (const Section& section : sections) {
    const std::uint64_t length = section.size();
    const auto* head = reinterpret_cast<const std::uint8_t*>(&length);
    file.insert(file.end(), head, head + sizeof(length));
    file.insert(file.end(), section.begin(), section.end());
  }
  const Xxh3Digest digest = Xxh3Of128(file);
  file.insert(file.end(), digest.begin(), digest.end());
  return file;
}

std::vector<std::uint8_t> EncodeSavedUpdate(const Update& update,
                                            const Parameters& provisional) {
  const std::string header = SerializeHeader(HeaderOf(update, {}));
  return EncodeStateFile({BytesOf(header), BytesOf(std::span(update.delta)),
                          BytesOf(std::span(provisional))});
}

std::vector<std::uint8_t> EncodeLocalTensors(const Parameters& tensors) {
  return EncodeStateFile({BytesOf(std::span(tensors))});
}

StatusOr<SavedUpdate> ParseSavedUpdate(std::span<const std::uint8_t> file,
                                       std::string_view path) {
  FEDGAP_ASSIGN_OR_RETURN(const auto sections, Unpack(file, path));
  if (sections.size() != 3) return Damaged(path);
  StatusOr<UpdateHeader> header = ParseHeader(
      {reinterpret_cast<const char*>(sections[0].data()), sections[0].size()});
  if (!header.ok()) {
    return absl::DataLossError(
        fmt::format("{} is damaged: {}", path, MessageOf(header.status())));
  }
  FEDGAP_ASSIGN_OR_RETURN(Parameters delta, FloatsOf(sections[1], path));
  if (std::ssize(delta) != header->elements) return Damaged(path);
  FEDGAP_ASSIGN_OR_RETURN(Parameters provisional, FloatsOf(sections[2], path));
  return SavedUpdate{{std::move(header->info), std::move(delta)},
                     std::move(provisional)};
}

StatusOr<Parameters> ParseLocalTensors(std::span<const std::uint8_t> file,
                                       std::string_view path) {
  FEDGAP_ASSIGN_OR_RETURN(const auto sections, Unpack(file, path));
  if (sections.size() != 1) return Damaged(path);
  return FloatsOf(sections[0], path);
}

}  // namespace fedgap
