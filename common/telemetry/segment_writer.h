// Appends lines to the segments of an event log. Private to common/telemetry.
#ifndef FEDGAP_COMMON_TELEMETRY_SEGMENT_WRITER_H_
#define FEDGAP_COMMON_TELEMETRY_SEGMENT_WRITER_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

// Where the last process left the log.
struct EventLogTail {
  int segment = 1;
  std::int64_t bytes = 0;       // of whole lines in that segment
  std::int64_t torn_bytes = 0;  // after them
  std::uint64_t seq = 0;        // of the last whole line; 0: none
  int start = 0;
};
StatusOr<EventLogTail> FindTail(const std::filesystem::path& directory);

// Not thread-safe: one writer thread owns it.
class SegmentWriter {
 public:
  // Makes the directory, cuts the torn end off, opens the segment.
  static StatusOr<std::unique_ptr<SegmentWriter>> Open(
      const std::filesystem::path& directory, const EventLogTail& tail,
      std::int64_t segment_bytes);
  ~SegmentWriter();
  SegmentWriter(const SegmentWriter&) = delete;
  SegmentWriter& operator=(const SegmentWriter&) = delete;

  // Appends `line` and a line feed. After an error the log ends with the line
  // before; the next line is tried again.
  Status Append(std::string_view line);
  Status Sync();

 private:
  SegmentWriter(std::filesystem::path directory, std::int64_t segment_bytes)
      : directory_(std::move(directory)), segment_bytes_(segment_bytes) {}
  // Goes over to number `segment`, of which `bytes` are kept. Where that cannot
  // be opened the open one stays.
  Status OpenSegment(int segment, std::int64_t bytes);

  std::filesystem::path directory_;
  std::int64_t segment_bytes_;
  int segment_ = 0;
  std::int64_t bytes_ = 0;
  int fd_ = -1;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_SEGMENT_WRITER_H_
