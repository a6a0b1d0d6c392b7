#include "common/telemetry/background_writer.h"

#include <fmt/format.h>

#include <utility>

namespace fedgap {

BackgroundWriter::BackgroundWriter(Write write, std::size_t max_pending_bytes)
    : write_(std::move(write)),
      max_pending_bytes_(max_pending_bytes),
      thread_([this] { Run(); }) {}

BackgroundWriter::~BackgroundWriter() {
  {
    MutexLock lock(mutex_);
    is_over_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void BackgroundWriter::Append(std::string_view text) {
  MutexLock lock(mutex_);
  // Once something is left out, so is what follows, until there is room again.
  if (left_out_ > 0 || pending_.size() + text.size() > max_pending_bytes_) {
    left_out_ += text.size();
  } else {
    pending_ += text;
  }
  changed_.NotifyAll();
}

void BackgroundWriter::Drain() {
  MutexLock lock(mutex_);
  while (is_writing_ || !pending_.empty() || left_out_ > 0) {
    changed_.Wait(mutex_);
  }
}

void BackgroundWriter::Run() {
  while (true) {
    std::string text;
    {
      MutexLock lock(mutex_);
      is_writing_ = false;
      changed_.NotifyAll();
      while (pending_.empty() && left_out_ == 0 && !is_over_) {
        changed_.Wait(mutex_);
      }
      if (pending_.empty() && left_out_ == 0) return;
      text = std::exchange(pending_, {});
      if (const std::size_t bytes = std::exchange(left_out_, 0); bytes > 0) {
        text += fmt::format("\n[{} bytes were left out]\n", bytes);
      }
      is_writing_ = true;
    }
    write_(text);
  }
}

}  // namespace fedgap
