// Waits until something in a directory changes.
#ifndef FEDGAP_COMMON_BASE_FILE_WATCH_H_
#define FEDGAP_COMMON_BASE_FILE_WATCH_H_

#include <chrono>
#include <filesystem>

#include "common/base/status.h"

namespace fedgap {

// Linux's inotify. A change between two calls of Wait is not lost: the second
// one returns at once. Wake may be called by any thread, Wait by one.
class FileWatch {
 public:
  // Watches `path`, a directory or a file. NOT_FOUND if it does not exist,
  // RESOURCE_EXHAUSTED where the machine has no more watches to give.
  static StatusOr<FileWatch> Create(const std::filesystem::path& path);
  ~FileWatch();
  FileWatch(FileWatch&& other) noexcept;
  FileWatch& operator=(FileWatch&& other) noexcept;

  // Returns when something was written, created or renamed there, when Wake was
  // called, or after `timeout`.
  void Wait(std::chrono::milliseconds timeout);
  void Wake();

 private:
  FileWatch(int inotify, int wake) : inotify_(inotify), wake_(wake) {}

  int inotify_ = -1;
  int wake_ = -1;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_BASE_FILE_WATCH_H_
