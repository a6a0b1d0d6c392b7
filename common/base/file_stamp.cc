#include "common/base/file_stamp.h"

#include <sys/stat.h>

#include <cerrno>

namespace fedgap {

FileStamp StampOf(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return {.error = errno == ENOENT ? 0 : errno};
  }
  const auto nanoseconds = [](const timespec& time) {
    return time.tv_sec * std::int64_t{1'000'000'000} + time.tv_nsec;
  };
  return {.inode = static_cast<std::int64_t>(info.st_ino),
          .size = info.st_size,
          .modified = nanoseconds(info.st_mtim),
          .changed = nanoseconds(info.st_ctim)};
}

}  // namespace fedgap
