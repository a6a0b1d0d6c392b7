#include "server/rpc/refusal_log.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

namespace fedgap {

void RefusalLog::Note(const std::string& peer, const Status& why) {
  // "ipv4:10.0.0.7:41234": each connection has another port.
  const std::string machine = peer.substr(0, peer.rfind(':'));
  std::string line =
      fmt::format("refused a call from {}: {}", machine, MessageOf(why));
  // Not within a character of several bytes.
  if (line.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) {
      --end;
    }
    line = line.substr(0, end) + "...";
  }
  std::int64_t more = 0;
  {
    MutexLock lock(mutex_);
    const Clock::Time now = clock_.Now();
    if (!begun_.has_value() || now - *begun_ >= std::chrono::minutes(1)) {
      begun_ = now;
      told_.clear();
      machines_.clear();
      more = std::exchange(untold_, 0);
    }
    if (told_.contains(line)) return;
    if (told_.size() >= kMostAMinute ||
        machines_[machine] >= kMostOfOneMachine) {
      ++untold_;
      return;
    }
    told_.insert(line);
    ++machines_[machine];
  }
  if (more > 0) say_(fmt::format("refused {} more calls before", more));
  say_(line);
}

}  // namespace fedgap
