// The views of several runs, kept up to date from their logs, and shared by
// those who look at them.
#ifndef FEDGAP_DASHBOARD_HTTP_VIEW_HUB_H_
#define FEDGAP_DASHBOARD_HTTP_VIEW_HUB_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/file_watch.h"
#include "common/base/mutex.h"
#include "common/base/status.h"
#include "dashboard/model/log_view.h"

namespace fedgap {

// One thread a run reads its log when it grows. Thread-safe.
class ViewHub {
 public:
  static constexpr std::size_t kMaxRuns = 32;

  // `logs` as in LogView::Open, whose errors it has; INVALID_ARGUMENT for none
  // or more than kMaxRuns. Reading begins at once and does not hold this up.
  static StatusOr<std::unique_ptr<ViewHub>> Open(
      const std::vector<std::filesystem::path>& logs);
  ~ViewHub();
  ViewHub(const ViewHub&) = delete;
  ViewHub& operator=(const ViewHub&) = delete;

  std::size_t size() const { return runs_.size(); }

  // One who looks, and what that one has got.
  struct Reader {
    std::vector<std::optional<ViewPosition>> seen;  // of each run
    std::uint64_t version = 0;
  };
  Reader NewReader() const {
    return {.seen = std::vector<std::optional<ViewPosition>>(size())};
  }

  // Waits until there may be something that `reader` has not got; false if
  // nothing came within `timeout` or after Stop.
  bool WaitForNews(Reader& reader, std::chrono::milliseconds timeout)
      EXCLUDES(mutex_);
  // What `reader` has not got of a run, as RunJson; all of it the first time,
  // for which its first reading is waited for. "" for nothing, or after Stop.
  std::string News(std::size_t run, Reader& reader) EXCLUDES(mutex_);

  // Ends every wait.
  void Stop() EXCLUDES(mutex_);
  bool stopped() const { return stopped_; }
  // Whether every log has been read once.
  bool is_ready() const EXCLUDES(mutex_);

 private:
  struct Run {
    Run(LogView opened, FileWatch watched)
        : view(std::move(opened)), watch(std::move(watched)) {}

    Mutex mutex;
    LogView view GUARDED_BY(mutex);
    FileWatch watch;
    std::atomic<bool> is_read = false;
    std::thread reader;
  };

  ViewHub() = default;
  void Follow(Run& run) EXCLUDES(mutex_);
  void Tell() EXCLUDES(mutex_);

  std::vector<std::unique_ptr<Run>> runs_;
  std::atomic<bool> stopped_ = false;
  mutable Mutex mutex_;
  CondVar changed_;
  std::uint64_t version_ GUARDED_BY(mutex_) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_HTTP_VIEW_HUB_H_
