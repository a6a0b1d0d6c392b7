#include "server/core/staged_bytes.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/base/file_io.h"
#include "common/tensor/parameters.h"

namespace fedgap {
namespace {

class MemoryBytes final : public StagedBytes {
 public:
  explicit MemoryBytes(std::int64_t size)
      : bytes_(static_cast<std::size_t>(size)) {}

  Status Write(std::int64_t offset, const BytePieces& bytes) override {
    FEDGAP_CHECK(offset >= 0 && offset + bytes.size() <= size());
    bytes.CopyTo(bytes_.data() + offset);
    return absl::OkStatus();
  }
  Status Read(std::int64_t offset,
              std::span<std::uint8_t> bytes) const override {
    FEDGAP_CHECK(offset >= 0 && offset + std::ssize(bytes) <= size());
    std::copy_n(bytes_.begin() + offset, bytes.size(), bytes.begin());
    return absl::OkStatus();
  }
  std::span<const std::uint8_t> InMemory() const override { return bytes_; }

 private:
  std::int64_t size() const { return std::ssize(bytes_); }

  std::vector<std::uint8_t, AlignedAllocator<std::uint8_t>> bytes_;
};

class FileBytes final : public StagedBytes {
 public:
  // Takes the descriptor.
  FileBytes(int descriptor, std::filesystem::path directory)
      : descriptor_(descriptor), directory_(std::move(directory)) {}
  ~FileBytes() override { ::close(descriptor_); }

  // Together: many small writes of a file take several times as long.
  Status Write(std::int64_t offset, const BytePieces& bytes) override {
    std::vector<iovec> parts;
    for (const auto piece : bytes) {
      parts.push_back({const_cast<std::uint8_t*>(piece.data()), piece.size()});
    }
    std::span<iovec> left(parts);
    while (!left.empty()) {
      const auto count =
          static_cast<int>(std::min<std::size_t>(left.size(), IOV_MAX));
      const ssize_t written =
          ::pwritev(descriptor_, left.data(), count, offset);
      if (written < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus(errno, "write a staged update in", directory_);
      }
      offset += written;
      left = Without(left, static_cast<std::size_t>(written));
    }
    return absl::OkStatus();
  }

  Status Read(std::int64_t offset,
              std::span<std::uint8_t> bytes) const override {
    while (!bytes.empty()) {
      const ssize_t got =
          ::pread(descriptor_, bytes.data(), bytes.size(), offset);
      if (got < 0) {
        if (errno == EINTR) continue;
        return ErrnoStatus(errno, "read a staged update in", directory_);
      }
      if (got == 0) {
        return absl::DataLossError(
            fmt::format("a staged update in {} ends at byte {}",
                        directory_.string(), offset));
      }
      bytes = bytes.subspan(static_cast<std::size_t>(got));
      offset += got;
    }
    return absl::OkStatus();
  }

  std::span<const std::uint8_t> InMemory() const override { return {}; }

 private:
  // What is left of the parts after their first `bytes`.
  static std::span<iovec> Without(std::span<iovec> parts, std::size_t bytes) {
    while (!parts.empty() && bytes >= parts.front().iov_len) {
      bytes -= parts.front().iov_len;
      parts = parts.subspan(1);
    }
    if (!parts.empty()) {
      iovec& part = parts.front();
      part.iov_base = static_cast<char*>(part.iov_base) + bytes;
      part.iov_len -= bytes;
    }
    return parts;
  }

  const int descriptor_;
  const std::filesystem::path directory_;
};

}  // namespace

std::unique_ptr<StagedBytes> StagedInMemory(std::int64_t size) {
  return std::make_unique<MemoryBytes>(size);
}

StatusOr<std::unique_ptr<StagedBytes>> StagedInFile(
    const std::filesystem::path& directory, std::int64_t size) {
  std::string path = (directory / ".staged-XXXXXX").string();
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  if (descriptor < 0) {
    return ErrnoStatus(errno, "make a file for a staged update in", directory);
  }
  auto file = std::make_unique<FileBytes>(descriptor, directory);
  ::unlink(path.c_str());
  if (size > 0 && ::fallocate(descriptor, 0, 0, size) != 0 &&
      errno != EOPNOTSUPP) {
    return ErrnoStatus(
        errno, fmt::format("reserve {} bytes for a staged update in", size),
        directory);
  }
  return file;
}

}  // namespace fedgap
