// Text to a place that may be slow or stand still, without waiting for it.
#ifndef FEDGAP_COMMON_TELEMETRY_BACKGROUND_WRITER_H_
#define FEDGAP_COMMON_TELEMETRY_BACKGROUND_WRITER_H_

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "common/base/mutex.h"

namespace fedgap {

// A queue and the thread that writes it, in order. A terminal that is held
// (Ctrl-S) or a pipe that nobody reads stops the thread and nobody else: what
// is beyond the limit is left out, and how much is said when it goes on.
// Thread-safe.
class BackgroundWriter {
 public:
  using Write = std::function<void(std::string_view)>;

  // `write` is called by the thread alone, with no lock held.
  explicit BackgroundWriter(Write write,
                            std::size_t max_pending_bytes = 1 << 20);
  // Drains.
  ~BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  // Returns at once.
  void Append(std::string_view text) EXCLUDES(mutex_);
  // Returns when all that was appended before is written.
  void Drain() EXCLUDES(mutex_);

 private:
  void Run() EXCLUDES(mutex_);

  const Write write_;
  const std::size_t max_pending_bytes_;
  Mutex mutex_;
  CondVar changed_;
  std::string pending_ GUARDED_BY(mutex_);
  std::size_t left_out_ GUARDED_BY(mutex_) = 0;  // bytes since `pending_`
  bool is_writing_ GUARDED_BY(mutex_) = false;
  bool is_over_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TELEMETRY_BACKGROUND_WRITER_H_
