// One process at a time in a run directory.
#ifndef FEDGAP_SERVER_STORE_DIRECTORY_LOCK_H_
#define FEDGAP_SERVER_STORE_DIRECTORY_LOCK_H_

#include <filesystem>

#include "common/base/status.h"

namespace fedgap {

// Holds flock(2) on `path`, with the process id inside for people. The kernel
// lets go when the process ends, however it ends. Movable.
class DirectoryLock {
 public:
  // FAILED_PRECONDITION, naming the process, if another one holds it.
  static StatusOr<DirectoryLock> Take(const std::filesystem::path& path);
  ~DirectoryLock();
  DirectoryLock(DirectoryLock&& other) noexcept;
  DirectoryLock& operator=(DirectoryLock&& other) noexcept;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace fedgap

#endif  // FEDGAP_SERVER_STORE_DIRECTORY_LOCK_H_
