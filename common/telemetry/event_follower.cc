#include "common/telemetry/event_follower.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "common/base/file_io.h"
#include "common/telemetry/event_segments.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = std::size_t{4} << 20;

class OpenFile {
 public:
  explicit OpenFile(const fs::path& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (fd_ >= 0) ::close(fd_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

// Up to `size` bytes at `offset`: fewer only at the end of the file.
StatusOr<std::size_t> ReadAt(int fd, std::int64_t offset, char* out,
                             std::size_t size, const fs::path& path) {
  std::size_t got = 0;
  while (got < size) {
    const ssize_t n = ::pread(fd, out + got, size - got,
                              offset + static_cast<std::int64_t>(got));
    if (n == 0) break;
    if (n > 0) {
      got += static_cast<std::size_t>(n);
    } else if (errno != EINTR) {
      return ErrnoStatus(errno, "read", path);
    }
  }
  return got;
}

}  // namespace

StatusOr<EventFollower> EventFollower::Open(const fs::path& log) {
  std::error_code error;
  const fs::file_status status = fs::status(log, error);
  if (status.type() == fs::file_type::not_found) {
    return absl::NotFoundError(
        fmt::format("there is no {}: give a run's directory, its events/, or "
                    "one of the files in it",
                    log.string()));
  }
  if (status.type() == fs::file_type::none) {
    return ErrnoStatus(error.value(), "look at", log);
  }
  if (!fs::is_directory(status)) return EventFollower(log, false);
  if (fs::is_directory(log / "events", error)) {
    return EventFollower(log / "events", true);
  }
  FEDGAP_ASSIGN_OR_RETURN(const auto segments, ListEventSegments(log));
  const bool is_run = fs::exists(log / "state.db", error) ||
                      fs::exists(log / "config.toml", error);
  if (segments.empty() && !is_run) {
    return absl::NotFoundError(
        fmt::format("{} is no run's directory: it holds neither events/ nor "
                    "events-000001.jsonl",
                    log.string()));
  }
  return EventFollower(segments.empty() ? log / "events" : log, true);
}

StatusOr<std::vector<fs::path>> EventFollower::Files() const {
  std::vector<fs::path> files;
  if (!is_directory_) return std::vector<fs::path>{path_};
  FEDGAP_ASSIGN_OR_RETURN(const auto segments, ListEventSegments(path_));
  for (const EventSegment& segment : segments) files.push_back(segment.path);
  return files;
}

Status EventFollower::Read(const Take& take) {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<fs::path> files, Files());
  auto file = std::ranges::find(files, at_.file);
  if (file == files.end()) file = files.begin();
  for (; file != files.end(); ++file) {
    if (*file != at_.file) {
      if (damage_.half_line_bytes > 0) {
        AddBadLine("the file ends in half a line, and another follows it");
      }
      at_ = {.file = *file};
    }
    FEDGAP_RETURN_IF_ERROR(ReadFile(take));
  }
  return absl::OkStatus();
}

Status EventFollower::ReadFile(const Take& take) {
  const OpenFile file(at_.file);
  if (file.fd() < 0) return ErrnoStatus(errno, "open", at_.file);
  if (buffer_.empty()) buffer_.resize(kBlockBytes + EventLineParser::kPadding);
  for (;;) {
    const std::size_t room = buffer_.size() - EventLineParser::kPadding;
    FEDGAP_ASSIGN_OR_RETURN(
        const std::size_t size,
        ReadAt(file.fd(), at_.offset, buffer_.data(), room, at_.file));
    const std::size_t taken = TakeLines(size, take);
    at_.offset += static_cast<std::int64_t>(taken);
    damage_.half_line_bytes = static_cast<std::int64_t>(size - taken);
    if (size < room) return absl::OkStatus();
    if (taken == 0) buffer_.resize(2 * buffer_.size());  // a longer line
  }
}

std::size_t EventFollower::TakeLines(std::size_t size, const Take& take) {
  std::size_t begin = 0;
  while (const void* feed =
             std::memchr(buffer_.data() + begin, '\n', size - begin)) {
    const auto end = static_cast<std::size_t>(static_cast<const char*>(feed) -
                                              buffer_.data());
    ++at_.line;
    ++lines_;
    bytes_ += static_cast<std::int64_t>(end + 1 - begin);
    TakeLine({buffer_.data() + begin, end - begin}, take);
    begin = end + 1;
  }
  return begin;
}

void EventFollower::TakeLine(std::string_view text, const Take& take) {
  const auto event = parser_.ParsePadded(text);
  if (!event.ok()) {
    AddBadLine(MessageOf(event.status()));
    return;
  }
  const std::uint64_t seq = event->header.seq;
  if (seq > last_seq_ + 1) {
    damage_.missing_lines += static_cast<std::int64_t>(seq - last_seq_ - 1);
  }
  last_seq_ = std::max(last_seq_, seq);
  take({.text = text, .event = event->known ? &*event : nullptr});
}

void EventFollower::AddBadLine(std::string what) {
  ++damage_.bad_lines;
  if (damage_.first.size() >= EventLogDamage::kMaxLines) return;
  damage_.first.push_back(
      {at_.file.filename().string(), at_.line, std::move(what)});
}

}  // namespace fedgap
