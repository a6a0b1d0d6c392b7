// Reads an event log as far as it goes, and on from there when it has grown:
// a run that goes on, one that is over, a copied file, a log that is damaged.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_FOLLOWER_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_FOLLOWER_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/telemetry/event_line_parser.h"

namespace fedgap {

// What of a log could not be read.
struct EventLogDamage {
  struct Line {
    std::string file;  // its name, without the directory
    std::int64_t line = 0;
    std::string what;
  };
  static constexpr std::size_t kMaxLines = 20;

  std::int64_t bad_lines = 0;
  std::vector<Line> first;  // of the bad lines, kMaxLines at most
  // Numbers that `seq` left out: lines that could not be written, or that were
  // cut off at the front of a copied log.
  std::int64_t missing_lines = 0;
  // Behind the last line feed: a line that is being written, or was cut off.
  std::int64_t half_line_bytes = 0;
};

// Memory: one block of 4 MiB, or the longest line. One thread at a time.
class EventFollower {
 public:
  // A whole line; `event` is null for a type that a newer version wrote. Both
  // live until the callback returns.
  struct Line {
    std::string_view text;
    const LoggedEvent* event = nullptr;
  };
  using Take = std::function<void(const Line&)>;

  // `log` is a run's directory, its events/, or one file of it. NOT_FOUND says
  // what was looked for; no event yet is no error.
  static StatusOr<EventFollower> Open(const std::filesystem::path& log);

  // Takes each whole line that was not taken before, in order. Lines that
  // cannot be read are passed over and counted in damage(). Errors are the
  // disk's: UNAVAILABLE, PERMISSION_DENIED.
  Status Read(const Take& take);

  const EventLogDamage& damage() const { return damage_; }
  std::int64_t lines() const { return lines_; }  // taken, bad ones too
  std::int64_t bytes() const { return bytes_; }  // of them
  // What is read: the directory of the segments, or the file.
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Position {
    std::filesystem::path file;
    std::int64_t offset = 0;  // of the first line not taken
    std::int64_t line = 0;    // number of the last one taken
  };

  EventFollower(std::filesystem::path path, bool is_directory)
      : path_(std::move(path)), is_directory_(is_directory) {}

  StatusOr<std::vector<std::filesystem::path>> Files() const;
  Status ReadFile(const Take& take);
  // Takes the whole lines of the buffer's first `size` bytes; returns how many
  // bytes they had.
  std::size_t TakeLines(std::size_t size, const Take& take);
  void TakeLine(std::string_view text, const Take& take);
  void AddBadLine(std::string what);

  std::filesystem::path path_;
  bool is_directory_ = false;
  Position at_;
  std::uint64_t last_seq_ = 0;
  std::int64_t lines_ = 0;
  std::int64_t bytes_ = 0;
  EventLogDamage damage_;
  EventLineParser parser_;
  std::vector<char> buffer_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_FOLLOWER_H_
