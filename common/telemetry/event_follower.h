// Reads an event log as far as it goes, and on from there when it has grown:
// a run that goes on, one that is over, a copied file, a log that is damaged.
#ifndef FEDGAP_COMMON_TELEMETRY_EVENT_FOLLOWER_H_
#define FEDGAP_COMMON_TELEMETRY_EVENT_FOLLOWER_H_

#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
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

// Memory: two blocks of 1 MiB, or of the longest line, and the events in them.
// One thread at a time; where much is to be read, others help.
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

  // Takes each whole line that was not taken before, in order and one at a
  // time, before it returns; on which thread is not said. Lines that cannot be
  // read are passed over and counted in damage(). Errors are the disk's:
  // UNAVAILABLE, PERMISSION_DENIED.
  Status Read(const Take& take);

  // Bytes of the log as it is now, taken or not. Errors as of Read.
  StatusOr<std::int64_t> BytesThere() const;

  const EventLogDamage& damage() const { return damage_; }
  std::int64_t lines() const { return lines_; }  // taken, bad ones too
  std::int64_t bytes() const { return bytes_; }  // of them
  // What is read: the directory of the segments, or the file.
  const std::filesystem::path& path() const { return path_; }

 private:
  struct Position {
    std::filesystem::path file;
    std::int64_t offset = 0;  // of the first line not read
    std::int64_t line = 0;    // number of the last one taken
  };

  struct ParsedLine {
    std::string_view text;
    Status status;
    LoggedEvent event;  // if that is OK
  };
  // Whole lines of a file, in pieces that are parsed apart.
  struct Block {
    static constexpr std::size_t kPieces = 8;
    struct Piece {
      std::string_view text;
      std::size_t count = 0;  // of lines in it
      // The first `count`; the others keep their memory for later blocks.
      std::vector<ParsedLine> lines;
    };
    std::vector<char> bytes;
    std::array<Piece, kPieces> pieces;
  };

  EventFollower(std::filesystem::path path, bool is_directory)
      : path_(std::move(path)), is_directory_(is_directory) {}

  StatusOr<std::vector<std::filesystem::path>> Files() const;
  Status ReadFiles(const Take& take);
  Status ReadFile(const Take& take);
  // Reads whole lines from at_ on, and moves it behind them; true at the end of
  // the file, once its last line feed is read.
  StatusOr<bool> Fill(int fd, Block& block);
  // As many threads as there is work for.
  void Hire(int fd);
  void Parse(Block::Piece& piece, EventLineParser& parser) const;
  void TakeBlock(const Block& block, const Take& take);
  void TakeLine(const ParsedLine& line, const Take& take);
  void AddBadLine(std::string what);

  std::filesystem::path path_;
  bool is_directory_ = false;
  Position at_;
  std::uint64_t last_seq_ = 0;
  std::int64_t lines_ = 0;
  std::int64_t bytes_ = 0;
  EventLogDamage damage_;
  std::unique_ptr<ThreadPool> pool_;  // while there is much to read
  std::vector<EventLineParser> parsers_ = std::vector<EventLineParser>(1);
  std::array<Block, 2> blocks_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_EVENT_FOLLOWER_H_
