#include "dashboard/model/log_view.h"

#include <utility>

#include "dashboard/model/run_in_use.h"

namespace fedgap {

StatusOr<LogView> LogView::Open(const std::filesystem::path& log) {
  FEDGAP_ASSIGN_OR_RETURN(EventFollower follower, EventFollower::Open(log));
  return LogView(log.string(), std::move(follower));
}

Status LogView::Refresh(const TellBytes& read) {
  is_left_ = IsLeft(path());
  return follower_.Read([this, &read](const EventFollower::Line& line) {
    if (read) read(follower_.bytes());
    if (line.event == nullptr) return;
    builder_.Take(*line.event, line.text);
    seq_ = line.event->header.seq;
  });
}

ViewPosition LogView::position() const {
  return {.revision = view().revision, .seq = seq_, .is_left = is_left_};
}

std::string LogView::ToJson(ViewPosition after) {
  const ViewSource source{.name = name_,
                          .lines = follower_.lines(),
                          .bytes = follower_.bytes(),
                          .damage = follower_.damage(),
                          .is_left = is_left_};
  const std::uint64_t newest =
      view().rounds.empty() ? 0 : view().rounds.back().revision;
  const PooledView* pooled = nullptr;
  if (newest > after.revision) {
    if (pooled_at_ != newest) {
      // Beside the log of a run's directory only.
      pooled_ = ReadPooledView(path().parent_path());
      pooled_at_ = newest;
    }
    if (pooled_.has_value()) pooled = &*pooled_;
  }
  return RunJson(builder_, source, pooled, after);
}

}  // namespace fedgap
