#include "common/data/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/file_io.h"
#include "common/data/inflate_reader.h"

namespace fedgap {
namespace {

constexpr int kUnsignedByte = 0x08;

struct Files {
  IdxArray images;
  IdxArray labels;
  std::filesystem::path labels_path;
};

Status Truncated(std::uint64_t expected, std::uint64_t found) {
  return absl::InvalidArgumentError(
      fmt::format("truncated IDX file: expected {} bytes of values, found {}{}",
                  expected, found, found == 0 ? "" : " or fewer"));
}

StatusOr<std::vector<std::uint32_t>> ReadHeader(InflateReader& reader,
                                                int dimensions) {
  std::array<std::uint8_t, 4> magic{};
  FEDGAP_ASSIGN_OR_RETURN(std::size_t got, reader.Read(magic));
  if (got < magic.size() || magic[0] != 0 || magic[1] != 0 || magic[3] == 0) {
    return absl::InvalidArgumentError(
        "not an IDX file: its magic number is wrong");
  }
  if (magic[2] != kUnsignedByte) {
    return absl::InvalidArgumentError(
        fmt::format("IDX values of type 0x{:02x}; only unsigned bytes (0x08) "
                    "are read",
                    magic[2]));
  }
  if (magic[3] != dimensions) {
    return absl::InvalidArgumentError(
        fmt::format("IDX file with {} dimensions; expected {}", magic[3],
                    dimensions == 3 ? "3 (images: count, height, width)"
                                    : fmt::format("{}", dimensions)));
  }
  std::vector<std::uint32_t> extents(static_cast<std::size_t>(dimensions));
  for (std::uint32_t& extent : extents) {
    std::array<std::uint8_t, 4> word{};
    FEDGAP_ASSIGN_OR_RETURN(got, reader.Read(word));
    if (got < word.size()) {
      return absl::InvalidArgumentError("truncated IDX file: no full header");
    }
    for (const std::uint8_t byte : word) extent = extent << 8 | byte;
  }
  return extents;
}

// Number of values, or `limit` + 1 when there are more.
std::uint64_t CappedProduct(std::span<const std::uint32_t> extents,
                            std::uint64_t limit) {
  if (std::find(extents.begin(), extents.end(), 0u) != extents.end()) return 0;
  std::uint64_t product = 1;
  for (const std::uint32_t extent : extents) {
    if (product > limit / extent) return limit + 1;
    product *= extent;
  }
  return product;
}

StatusOr<IdxArray> ReadIdxFile(const std::filesystem::path& path,
                               int dimensions) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<std::uint8_t> bytes,
                          ReadFileBytes(path));
  StatusOr<IdxArray> array = ParseIdx(bytes, dimensions);
  if (!array.ok()) return Annotate(array.status(), path.string());
  return array;
}

StatusOr<std::filesystem::path> FindFile(const std::filesystem::path& directory,
                                         const std::string& name) {
  std::error_code ignored;
  for (const std::string& candidate : {name, name + ".gz"}) {
    if (std::filesystem::exists(directory / candidate, ignored)) {
      return directory / candidate;
    }
  }
  if (!std::filesystem::is_directory(directory, ignored)) {
    return absl::NotFoundError(
        fmt::format("{} is not a directory", directory.string()));
  }
  return absl::NotFoundError(fmt::format("{} has neither {} nor {}.gz",
                                         directory.string(), name, name));
}

StatusOr<IdxArray> ReadLabels(const std::filesystem::path& directory,
                              const std::string& prefix,
                              std::filesystem::path* path) {
  FEDGAP_ASSIGN_OR_RETURN(*path,
                          FindFile(directory, prefix + "-labels-idx1-ubyte"));
  return ReadIdxFile(*path, 1);
}

StatusOr<Files> ReadSplit(const std::filesystem::path& directory,
                          const std::string& prefix) {
  Files files;
  FEDGAP_ASSIGN_OR_RETURN(files.labels,
                          ReadLabels(directory, prefix, &files.labels_path));
  FEDGAP_ASSIGN_OR_RETURN(const std::filesystem::path path,
                          FindFile(directory, prefix + "-images-idx3-ubyte"));
  FEDGAP_ASSIGN_OR_RETURN(files.images, ReadIdxFile(path, 3));
  if (files.images.extents[0] != files.labels.extents[0]) {
    return absl::InvalidArgumentError(
        fmt::format("{} has {} images but {} has {} labels", path.string(),
                    files.images.extents[0], files.labels_path.string(),
                    files.labels.extents[0]));
  }
  constexpr std::uint32_t kMaxSide = 1 << 15;
  if (files.images.extents[1] > kMaxSide ||
      files.images.extents[2] > kMaxSide) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: images of {}x{}; at most {} px a side are read", path.string(),
        files.images.extents[1], files.images.extents[2], kMaxSide));
  }
  return files;
}

// The greatest label of both splits, so that train and test agree on the
// classes whichever of them is read.
StatusOr<std::vector<std::string>> NumberedClasses(
    const std::filesystem::path& directory) {
  int classes = 1;
  for (const char* prefix : {"train", "t10k"}) {
    std::filesystem::path path;
    const StatusOr<IdxArray> labels = ReadLabels(directory, prefix, &path);
    if (absl::IsNotFound(labels.status())) continue;
    if (!labels.ok()) return labels.status();
    for (const std::uint8_t label : labels->values) {
      classes = std::max(classes, label + 1);
    }
  }
  std::vector<std::string> names;
  for (int c = 0; c < classes; ++c) names.push_back(std::to_string(c));
  return names;
}

}  // namespace

StatusOr<IdxArray> ParseIdx(std::span<const std::uint8_t> bytes,
                            int dimensions) {
  InflateReader reader(bytes);
  IdxArray array;
  FEDGAP_ASSIGN_OR_RETURN(array.extents, ReadHeader(reader, dimensions));
  const std::uint64_t limit = reader.MaxRemaining();
  const std::uint64_t expected = CappedProduct(array.extents, limit);
  if (expected > limit) return Truncated(expected, limit);
  array.values.resize(static_cast<std::size_t>(expected));
  FEDGAP_ASSIGN_OR_RETURN(const std::size_t got, reader.Read(array.values));
  if (got < expected) return Truncated(expected, got);
  // One byte more: there must be none, and gzip checks its digest here.
  std::array<std::uint8_t, 1> extra{};
  FEDGAP_ASSIGN_OR_RETURN(const std::size_t trailing, reader.Read(extra));
  if (trailing != 0) {
    return absl::InvalidArgumentError(fmt::format(
        "IDX file with bytes after its {} values: header or data is wrong",
        expected));
  }
  return array;
}

StatusOr<ImageDataset> ReadIdxDirectory(const std::filesystem::path& directory,
                                        const IdxOptions& options) {
  std::vector<std::string> class_names = options.class_names;
  if (class_names.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(class_names, NumberedClasses(directory));
  }
  ImageDataset::Builder builder(1, std::move(class_names));
  const auto add = [&](const std::string& prefix) -> Status {
    FEDGAP_ASSIGN_OR_RETURN(Files files, ReadSplit(directory, prefix));
    const ImageSize size{static_cast<int>(files.images.extents[1]),
                         static_cast<int>(files.images.extents[2])};
    return Annotate(builder.AddAll(std::move(files.images.values), size,
                                   files.labels.values),
                    files.labels_path.string());
  };
  if (options.split != DataSplit::kTest) FEDGAP_RETURN_IF_ERROR(add("train"));
  if (options.split != DataSplit::kTrain) FEDGAP_RETURN_IF_ERROR(add("t10k"));
  return std::move(builder).Build();
}

}  // namespace fedgap
