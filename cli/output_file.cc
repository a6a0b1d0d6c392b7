#include "cli/output_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "common/base/file_io.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kOutputBlockBytes = std::size_t{64} << 10;

Status ExistsAlready(const fs::path& path) {
  return absl::AlreadyExistsError(
      fmt::format("{} exists; --force replaces it, or choose another directory",
                  path.string()));
}

Status CheckFree(const fs::path& path, bool replace) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (fs::is_directory(status)) {
    return absl::AlreadyExistsError(
        fmt::format("{} is a directory: no file can take its place; choose "
                    "another directory",
                    path.string()));
  }
  if (fs::exists(status) && !replace) return ExistsAlready(path);
  return absl::OkStatus();
}

}  // namespace

StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(Options options) {
  FEDGAP_RETURN_IF_ERROR(CheckFree(options.path, options.replace));
  const fs::path directory = options.path.has_parent_path()
                                 ? options.path.parent_path()
                                 : fs::path(".");
  std::error_code error;
  fs::create_directories(directory, error);
  if (error) return ErrnoStatus(error.value(), "make directory", directory);
  // A name of its own: what looks for event files must not find half of one.
  std::string temporary = (directory / ".fedgap-export-XXXXXX").string();
  const int fd = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return ErrnoStatus(errno, "create", options.path);
  std::unique_ptr<OutputFile> file(
      new OutputFile(std::move(options), temporary, fd));
  if (::fchmod(fd, 0644) != 0) return ErrnoStatus(errno, "chmod", file->path());
  return file;
}

OutputFile::~OutputFile() {
  ::close(fd_);
  if (!committed_) ::unlink(temporary_.c_str());
}

void OutputFile::Append(std::string_view bytes) {
  buffer_ += bytes;
  if (buffer_.size() >= kOutputBlockBytes) Flush();
}

void OutputFile::Flush() {
  const std::string_view block = buffer_;
  if (status_.ok()) status_ = WriteAll(fd_, block, options_.path);
  buffer_.clear();
}

Status OutputFile::Commit() {
  Flush();
  FEDGAP_RETURN_IF_ERROR(status_);
  if (::fsync(fd_) != 0) return ErrnoStatus(errno, "fsync", options_.path);
  FEDGAP_RETURN_IF_ERROR(Rename());
  committed_ = true;
  return SyncDirectory(temporary_.parent_path());
}

Status OutputFile::Rename() const {
  const char* const path = options_.path.c_str();
  if (!options_.replace) {
    if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path,
                    RENAME_NOREPLACE) == 0) {
      return absl::OkStatus();
    }
    if (errno == EEXIST) return ExistsAlready(options_.path);
    // Not every file system knows the flag.
    if (errno != EINVAL) return ErrnoStatus(errno, "rename to", options_.path);
    FEDGAP_RETURN_IF_ERROR(CheckFree(options_.path, false));
  }
  if (::rename(temporary_.c_str(), path) != 0) {
    return ErrnoStatus(errno, "rename to", options_.path);
  }
  return absl::OkStatus();
}

}  // namespace fedgap
