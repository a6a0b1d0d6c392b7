#include "common/base/file_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include "common/base/file_io.h"

namespace fedgap {
namespace {

// Reads what is there from a descriptor that does not block.
void Drain(int fd) {
  std::array<char, 4096> buffer{};
  while (::read(fd, buffer.data(), buffer.size()) > 0) {
  }
}

}  // namespace

StatusOr<FileWatch> FileWatch::Create(const std::filesystem::path& path) {
  FileWatch watch(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
                  ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (watch.inotify_ < 0 || watch.wake_ < 0) {
    return ErrnoStatus(errno, "watch", path);
  }
  constexpr std::uint32_t kChanges =
      IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE;
  if (::inotify_add_watch(watch.inotify_, path.c_str(), kChanges) < 0) {
    return ErrnoStatus(errno, "watch", path);
  }
  return watch;
}

FileWatch::~FileWatch() {
  if (inotify_ >= 0) ::close(inotify_);
  if (wake_ >= 0) ::close(wake_);
}

FileWatch::FileWatch(FileWatch&& other) noexcept
    : inotify_(std::exchange(other.inotify_, -1)),
      wake_(std::exchange(other.wake_, -1)) {}

FileWatch& FileWatch::operator=(FileWatch&& other) noexcept {
  std::swap(inotify_, other.inotify_);
  std::swap(wake_, other.wake_);
  return *this;
}

void FileWatch::Wait(std::chrono::milliseconds timeout) {
  std::array<pollfd, 2> sources{
      {{.fd = inotify_, .events = POLLIN, .revents = 0},
       {.fd = wake_, .events = POLLIN, .revents = 0}}};
  ::poll(sources.data(), sources.size(), static_cast<int>(timeout.count()));
  Drain(inotify_);
  Drain(wake_);
}

void FileWatch::Wake() { ::eventfd_write(wake_, 1); }

}  // namespace fedgap
