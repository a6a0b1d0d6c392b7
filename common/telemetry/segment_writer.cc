#include "common/telemetry/segment_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "common/base/file_io.h"
#include "common/base/make_directories.h"
#include "common/telemetry/event_json.h"
#include "common/telemetry/event_segments.h"

namespace fedgap {
namespace {

// Whether `tail` was found: the last line of `text` that can be read.
bool FindLastLine(std::string_view text, EventLogTail& tail) {
  const auto lines = WholeLines(text);
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const auto parsed = ParseEventLine(*line);
    if (!parsed.ok()) continue;
    tail.bytes = line->data() + line->size() + 1 - text.data();
    tail.seq = parsed->header.seq;
    tail.start = parsed->header.start;
    return true;
  }
  return false;
}

}  // namespace

StatusOr<EventLogTail> FindTail(const std::filesystem::path& directory) {
  FEDGAP_ASSIGN_OR_RETURN(const auto segments, ListEventSegments(directory));
  EventLogTail tail;
  if (segments.empty()) return tail;
  tail.segment = segments.back().number;
  for (auto segment = segments.rbegin(); segment != segments.rend();
       ++segment) {
    FEDGAP_ASSIGN_OR_RETURN(const std::string text,
                            ReadFileText(segment->path, UINT64_C(1) << 34));
    const bool found = FindLastLine(text, tail);
    if (segment == segments.rbegin()) {
      tail.torn_bytes = static_cast<std::int64_t>(text.size()) - tail.bytes;
    } else if (found) {
      tail.bytes = 0;  // of an earlier segment; the last one holds no line
    }
    if (found) break;
  }
  return tail;
}

StatusOr<std::unique_ptr<SegmentWriter>> SegmentWriter::Open(
    const std::filesystem::path& directory, const EventLogTail& tail,
    std::int64_t segment_bytes) {
  FEDGAP_RETURN_IF_ERROR(MakeDirectories(directory));
  auto writer = std::unique_ptr<SegmentWriter>(
      new SegmentWriter(directory, segment_bytes));
  FEDGAP_RETURN_IF_ERROR(writer->OpenSegment(tail.segment, tail.bytes));
  return writer;
}

SegmentWriter::~SegmentWriter() {
  if (fd_ >= 0) ::close(fd_);
}

Status SegmentWriter::OpenSegment(int segment, std::int64_t bytes) {
  FEDGAP_RETURN_IF_ERROR(Sync());
  const auto path = EventSegmentPath(directory_, segment);
  const int fd =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) return ErrnoStatus(errno, "open", path);
  if (::ftruncate(fd, bytes) != 0) {
    const int error = errno;
    ::close(fd);
    return ErrnoStatus(error, "cut", path);
  }
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
  segment_ = segment;
  bytes_ = bytes;
  return SyncDirectory(directory_);
}

Status SegmentWriter::Append(std::string_view line) {
  const auto size = static_cast<std::int64_t>(line.size()) + 1;
  if (bytes_ > 0 && bytes_ + size > segment_bytes_) {
    FEDGAP_RETURN_IF_ERROR(OpenSegment(segment_ + 1, 0));
  }
  const auto path = EventSegmentPath(directory_, segment_);
  Status status = WriteAll(fd_, fmt::format("{}\n", line), path);
  if (!status.ok()) {
    if (::ftruncate(fd_, bytes_) != 0) {
      status = Annotate(ErrnoStatus(errno, "cut", path), MessageOf(status));
    }
    return status;
  }
  bytes_ += size;
  return absl::OkStatus();
}

Status SegmentWriter::Sync() {
  if (fd_ >= 0 && ::fdatasync(fd_) != 0) {
    return ErrnoStatus(errno, "fsync", EventSegmentPath(directory_, segment_));
  }
  return absl::OkStatus();
}

}  // namespace fedgap
