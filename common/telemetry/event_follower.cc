#include "common/telemetry/event_follower.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <utility>

#include "common/base/available_cpus.h"
#include "common/base/file_io.h"
#include "common/telemetry/event_segments.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBlockBytes = std::size_t{1} << 20;
// Below this, threads would take longer to start than to help.
constexpr std::int64_t kManyBytes = std::int64_t{4} << 20;
constexpr int kMostThreads = 8;

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

StatusOr<std::int64_t> EventFollower::BytesThere() const {
  FEDGAP_ASSIGN_OR_RETURN(const std::vector<fs::path> files, Files());
  std::int64_t bytes = 0;
  for (const fs::path& file : files) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(file, error);
    if (error) return ErrnoStatus(error.value(), "look at", file);
    bytes += static_cast<std::int64_t>(size);
  }
  return bytes;
}

Status EventFollower::Read(const Take& take) {
  Status status = ReadFiles(take);
  pool_.reset();
  return status;
}

Status EventFollower::ReadFiles(const Take& take) {
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

void EventFollower::Hire(int fd) {
  struct stat info {};
  const bool is_long =
      ::fstat(fd, &info) == 0 && info.st_size - at_.offset > kManyBytes;
  if (pool_ != nullptr && (pool_->threads() > 1 || !is_long)) return;
  pool_ = std::make_unique<ThreadPool>(
      is_long ? std::min(AvailableCpus(), kMostThreads) : 1);
  const auto threads = static_cast<std::size_t>(pool_->threads());
  if (parsers_.size() < threads) parsers_.resize(threads);
}

// While the lines of one block are taken, those of the next are parsed.
Status EventFollower::ReadFile(const Take& take) {
  const OpenFile file(at_.file);
  if (file.fd() < 0) return ErrnoStatus(errno, "open", at_.file);
  Hire(file.fd());
  Block* parsed = &blocks_[0];
  Block* next = &blocks_[1];
  for (Block::Piece& piece : parsed->pieces) piece.count = 0;
  StatusOr<bool> is_end = false;
  while (is_end.ok() && !*is_end) {
    is_end = Fill(file.fd(), *next);
    constexpr int kTasks = 1 + static_cast<int>(Block::kPieces);
    pool_->ParallelFor(kTasks, [&](int task, int thread) {
      if (task == 0) return TakeBlock(*parsed, take);
      Parse(next->pieces.at(static_cast<std::size_t>(task - 1)),
            parsers_.at(static_cast<std::size_t>(thread)));
    });
    std::swap(parsed, next);
  }
  TakeBlock(*parsed, take);
  return is_end.status();
}

StatusOr<bool> EventFollower::Fill(int fd, Block& block) {
  for (Block::Piece& piece : block.pieces) piece.text = {};
  std::vector<char>& bytes = block.bytes;
  if (bytes.empty()) bytes.resize(kBlockBytes + EventLineParser::kPadding);
  for (;;) {
    const std::size_t room = bytes.size() - EventLineParser::kPadding;
    FEDGAP_ASSIGN_OR_RETURN(
        const std::size_t size,
        ReadAt(fd, at_.offset, bytes.data(), room, at_.file));
    const std::string_view got(bytes.data(), size);
    const std::string_view lines = got.substr(0, got.rfind('\n') + 1);
    const bool is_end = size < room;
    if (lines.empty() && !is_end) {
      bytes.resize(2 * bytes.size());  // for a longer line
      continue;
    }
    std::size_t begin = 0;
    for (std::size_t i = 0; i < Block::kPieces; ++i) {
      const std::size_t about = lines.size() * (i + 1) / Block::kPieces;
      const std::size_t end =
          about <= begin ? begin : lines.find('\n', about - 1) + 1;
      block.pieces.at(i).text = lines.substr(begin, end - begin);
      begin = end;
    }
    at_.offset += static_cast<std::int64_t>(lines.size());
    damage_.half_line_bytes = static_cast<std::int64_t>(size - lines.size());
    return is_end;
  }
}

void EventFollower::Parse(Block::Piece& piece, EventLineParser& parser) const {
  piece.count = 0;
  for (std::string_view rest = piece.text; !rest.empty();) {
    if (piece.count == piece.lines.size()) piece.lines.emplace_back();
    ParsedLine& line = piece.lines[piece.count++];
    line.text = rest.substr(0, rest.find('\n'));
    line.status = parser.ParsePadded(line.text, line.event);
    rest.remove_prefix(line.text.size() + 1);
  }
}

void EventFollower::TakeBlock(const Block& block, const Take& take) {
  for (const Block::Piece& piece : block.pieces) {
    const std::span lines(piece.lines);
    for (const ParsedLine& line : lines.first(piece.count)) {
      TakeLine(line, take);
    }
  }
}

void EventFollower::TakeLine(const ParsedLine& line, const Take& take) {
  ++at_.line;
  ++lines_;
  bytes_ += static_cast<std::int64_t>(line.text.size() + 1);
  if (!line.status.ok()) {
    AddBadLine(MessageOf(line.status));
    return;
  }
  const std::uint64_t seq = line.event.header.seq;
  if (seq > last_seq_ + 1) {
    damage_.missing_lines += static_cast<std::int64_t>(seq - last_seq_ - 1);
  }
  last_seq_ = std::max(last_seq_, seq);
  take({.text = line.text, .event = line.event.known ? &line.event : nullptr});
}

void EventFollower::AddBadLine(std::string what) {
  ++damage_.bad_lines;
  if (damage_.first.size() >= EventLogDamage::kMaxLines) return;
  damage_.first.push_back(
      {at_.file.filename().string(), at_.line, std::move(what)});
}

}  // namespace fedgap
