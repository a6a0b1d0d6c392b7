// A run's log, followed, as the page wants it.
#ifndef FEDGAP_DASHBOARD_MODEL_LOG_VIEW_H_
#define FEDGAP_DASHBOARD_MODEL_LOG_VIEW_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "common/base/status.h"
#include "common/telemetry/event_follower.h"
#include "dashboard/model/pooled_view.h"
#include "dashboard/model/run_view_builder.h"
#include "dashboard/model/view_json.h"

namespace fedgap {

// One thread at a time.
class LogView {
 public:
  // A run's directory, its events/ or one file. Errors of EventFollower::Open.
  static StatusOr<LogView> Open(const std::filesystem::path& log);

  // Takes what the log has got since the last time, and looks whether a program
  // holds the run's directory. Errors of the disk. `read`
  // is told, now and then, of how many bytes are taken in all.
  using TellBytes = std::function<void(std::int64_t)>;
  Status Refresh(const TellBytes& read = nullptr);
  // Bytes of the log as it is now. Errors of the disk.
  StatusOr<std::int64_t> BytesThere() const { return follower_.BytesThere(); }

  const RunView& view() const { return builder_.view(); }
  // Where the log is: a change there is worth a Refresh.
  const std::filesystem::path& path() const { return follower_.path(); }
  // Of the newest event, and whether a program holds the run.
  ViewPosition position() const;
  // RunJson of what there is. The pooled vectors come whole, and only if rounds
  // were committed after the position.
  std::string ToJson(ViewPosition after = {});

 private:
  LogView(std::string name, EventFollower follower)
      : name_(std::move(name)), follower_(std::move(follower)) {}

  std::string name_;
  EventFollower follower_;
  RunViewBuilder builder_;
  std::uint64_t seq_ = 0;
  bool is_left_ = false;  // at the last Refresh
  // As read when the newest round had revision pooled_at_ (0: never): reading
  // it anew for each reader of the same rounds would read up to 60 files each.
  std::optional<PooledView> pooled_;
  std::uint64_t pooled_at_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_MODEL_LOG_VIEW_H_
