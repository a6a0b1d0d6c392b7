#include "tests/testing/recorded_syncs.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>
#include <string>
#include <system_error>

namespace fedgap {
namespace {

std::mutex& Lock() {
  static std::mutex mutex;
  return mutex;
}

std::vector<std::filesystem::path>& Paths() {
  static std::vector<std::filesystem::path> paths;
  return paths;
}

}  // namespace

std::vector<std::filesystem::path> RecordedSyncs() {
  const std::lock_guard lock(Lock());
  return Paths();
}

}  // namespace fedgap

extern "C" int fsync(int fd) {
  std::error_code error;
  const std::filesystem::path path = std::filesystem::read_symlink(
      "/proc/self/fd/" + std::to_string(fd), error);
  if (!error) {
    const std::lock_guard lock(fedgap::Lock());
    fedgap::Paths().push_back(path);
  }
  return static_cast<int>(::syscall(SYS_fsync, fd));
}
