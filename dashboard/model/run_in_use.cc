#include "dashboard/model/run_in_use.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <system_error>

namespace fedgap {

namespace fs = std::filesystem;

bool IsRunDirectory(const fs::path& directory) {
  std::error_code error;
  return fs::is_regular_file(directory / "state.db", error) &&
         fs::is_regular_file(directory / "config.toml", error);
}

bool IsInUse(const fs::path& directory) {
  const int fd =
      ::open((directory / "lock").c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return false;
  const bool is_free = ::flock(fd, LOCK_SH | LOCK_NB) == 0;
  ::close(fd);
  return !is_free;
}

bool IsLeft(const fs::path& log) {
  std::error_code error;
  fs::path directory = fs::absolute(log, error);
  for (int up = 0; up <= 2; ++up) {
    if (IsRunDirectory(directory)) return !IsInUse(directory);
    directory = directory.parent_path();
  }
  return false;
}

}  // namespace fedgap
