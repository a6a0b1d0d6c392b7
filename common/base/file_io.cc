#include "common/base/file_io.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "common/base/descriptor_limit.h"

namespace fedgap {
namespace {

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

std::span<const std::uint8_t> BytesOf(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

// Reads at most max_bytes into `out`, a resizable buffer of byte-sized items.
template <typename Buffer>
Status ReadInto(const std::filesystem::path& path, std::uint64_t max_bytes,
                Buffer& out) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoStatus(errno, "stat", path);
  if (S_ISDIR(info.st_mode)) return ErrnoStatus(EISDIR, "read", path);
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (size > max_bytes) {
    return absl::ResourceExhaustedError(
        fmt::format("{} has {} bytes; at most {} are read", path.string(), size,
                    max_bytes));
  }
  out.resize(size);
  std::size_t done = 0;
  while (true) {
    // One byte past the expected size tells a file that is still growing, or
    // one without a size (a pipe, /proc), from one that ends here.
    if (done == out.size()) out.resize(out.size() + 4096);
    const ssize_t got = ::read(fd.get(), out.data() + done, out.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "read", path);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
    if (done > max_bytes) {
      return absl::ResourceExhaustedError(
          fmt::format("{} has more than {} bytes", path.string(), max_bytes));
    }
  }
  out.resize(done);
  return absl::OkStatus();
}

Status WriteTemporary(const std::filesystem::path& temporary,
                      std::span<const std::span<const std::uint8_t>> pieces,
                      const WriteOptions& options) {
  FileDescriptor fd(::open(temporary.c_str(),
                           O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
                           options.mode));
  if (!fd.valid()) return ErrnoStatus(errno, "create", temporary);
  // open() subtracts the umask; secrets and shared files want exact bits.
  if (::fchmod(fd.get(), options.mode) != 0) {
    return ErrnoStatus(errno, "chmod", temporary);
  }
  for (const auto piece : pieces) {
    FEDGAP_RETURN_IF_ERROR(WriteAll(fd.get(), piece, temporary));
  }
  if (options.sync && ::fsync(fd.get()) != 0) {
    return ErrnoStatus(errno, "fsync", temporary);
  }
  return absl::OkStatus();
}

}  // namespace

Status ErrnoStatus(int error, std::string_view attempt,
                   const std::filesystem::path& path) {
  const std::string message =
      fmt::format("cannot {} {}: {}", attempt, path.string(),
                  std::generic_category().message(error));
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return absl::NotFoundError(message);
    case EACCES:
    case EPERM:
    case EROFS:
      return absl::PermissionDeniedError(message);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return absl::ResourceExhaustedError(message);
    case EMFILE:
    case ENFILE:
      return OutOfDescriptors(message);
    case EISDIR:
      return absl::InvalidArgumentError(message);
    default:
      return absl::UnavailableError(message);
  }
}

Status WriteAll(int fd, std::span<const std::uint8_t> bytes,
                const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ErrnoStatus(errno, "write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
  return absl::OkStatus();
}

Status WriteAll(int fd, std::string_view text,
                const std::filesystem::path& path) {
  return WriteAll(fd, BytesOf(text), path);
}

Status SyncDirectory(const std::filesystem::path& directory) {
  FileDescriptor fd(
      ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, "open", directory);
  if (::fsync(fd.get()) != 0) return ErrnoStatus(errno, "fsync", directory);
  return absl::OkStatus();
}

StatusOr<std::vector<std::uint8_t>> ReadFileBytes(
    const std::filesystem::path& path, std::uint64_t max_bytes) {
  std::vector<std::uint8_t> bytes;
  FEDGAP_RETURN_IF_ERROR(ReadInto(path, max_bytes, bytes));
  return bytes;
}

StatusOr<std::string> ReadFileText(const std::filesystem::path& path,
                                   std::uint64_t max_bytes) {
  std::string text;
  FEDGAP_RETURN_IF_ERROR(ReadInto(path, max_bytes, text));
  return text;
}

Status WriteFileAtomic(const std::filesystem::path& path,
                       std::span<const std::span<const std::uint8_t>> pieces,
                       WriteOptions options) {
  // The process id keeps two programs that write one path apart.
  std::filesystem::path temporary = path;
  temporary += fmt::format(".tmp{}", ::getpid());
  Status status = WriteTemporary(temporary, pieces, options);
  if (status.ok() && ::rename(temporary.c_str(), path.c_str()) != 0) {
    status = ErrnoStatus(errno, "rename to", path);
  }
  if (!status.ok()) {
    ::unlink(temporary.c_str());
    return status;
  }
  if (!options.sync) return absl::OkStatus();
  const std::filesystem::path directory = path.parent_path();
  return SyncDirectory(directory.empty() ? "." : directory);
}

Status WriteFileAtomic(const std::filesystem::path& path,
                       std::span<const std::uint8_t> bytes,
                       WriteOptions options) {
  return WriteFileAtomic(path, std::span(&bytes, 1), options);
}

Status WriteFileAtomic(const std::filesystem::path& path, std::string_view text,
                       WriteOptions options) {
  return WriteFileAtomic(path, BytesOf(text), options);
}

}  // namespace fedgap
