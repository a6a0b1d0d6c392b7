#include "cli/progress_bar.h"

#include <fmt/format.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "cli/terminal.h"
#include "common/telemetry/human_log.h"
#include "common/telemetry/progress_printer.h"

namespace fedgap {
namespace {

// A step that is over at once needs no bar, and a terminal no more pictures.
constexpr std::chrono::milliseconds kFirst{500};
constexpr std::chrono::milliseconds kEvery{100};
constexpr std::size_t kWidth = 24;
// Of the line: bar, share, ETA and the blanks between.
constexpr std::size_t kBesideStep = kWidth + 30;

// Columns of the terminal; 80 where it does not say.
std::size_t Columns(std::FILE* file) {
  winsize size{};
  const bool is_known =
      ::ioctl(::fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

}  // namespace

ProgressBar::ProgressBar(const Clock& clock, std::FILE* out,
                         const std::string& step, std::int64_t total)
    : clock_(clock),
      out_(out),
      step_(WithoutControls(step)),
      total_(total),
      is_shown_(total > 0 && CanBeWrittenOver(out)),
      colour_(ShowsColour(out)),
      began_(clock.Now()),
      next_(began_ + kFirst) {}

ProgressBar::~ProgressBar() {
  if (!is_drawn_) return;
  fmt::print(out_, "\r\x1b[K");
  std::fflush(out_);
}

void ProgressBar::Advance(std::int64_t done) {
  if (!is_shown_) return;
  const Clock::Time now = clock_.Now();
  if (now < next_) return;
  next_ = now + kEvery;
  done = std::clamp<std::int64_t>(done, 0, total_);
  const double share = static_cast<double>(done) / static_cast<double>(total_);
  const std::size_t columns = Columns(out_);
  std::string line =
      step_.substr(0, columns > kBesideStep ? columns - kBesideStep : 0);
  line += fmt::format(
      "  [{}]  {:.0f} %",
      Paint(BarMarks(done, total_, kWidth), Ink::kGreen, colour_), share * 100);
  if (done > 0) {
    const double seconds = ToSeconds(now - began_);
    line += "  ETA " + HumanDuration(seconds / share - seconds);
  }
  fmt::print(out_, "\r{}\x1b[K", line);
  std::fflush(out_);
  is_drawn_ = true;
}

Status ReadLog(EventFollower& follower, const EventFollower::Take& take) {
  FEDGAP_ASSIGN_OR_RETURN(const std::int64_t bytes, follower.BytesThere());
  const SystemClock clock;
  ProgressBar bar(clock, stderr, "reading " + follower.path().string(), bytes);
  return follower.Read([&](const EventFollower::Line& line) {
    bar.Advance(follower.bytes());
    take(line);
  });
}

}  // namespace fedgap
