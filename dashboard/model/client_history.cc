#include "dashboard/model/client_history.h"

#include <algorithm>

namespace fedgap {

void ClientHistory::Add(const UpdatePoint& point, std::size_t limit) {
  if (newest_is_extra_) points_.pop_back();
  const std::int64_t index = updates_++;
  newest_is_extra_ = index % stride_ != 0;
  points_.push_back(point);
  if (points_.size() <= limit || limit < 2) return;
  if (newest_is_extra_) points_.pop_back();
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points_.size(); i += 2) {
    points_[kept] = points_[i];
    points_[kept++].revision = point.revision;
  }
  points_.resize(kept);
  stride_ *= 2;
  newest_is_extra_ = index % stride_ != 0;
  if (newest_is_extra_) points_.push_back(point);
}

std::size_t ClientHistory::CountUpTo(std::uint64_t revision) const {
  const auto end =
      std::ranges::upper_bound(points_, revision, {}, &UpdatePoint::revision);
  return static_cast<std::size_t>(end - points_.begin());
}

void ClientHistory::Truncate(Round last) {
  while (!points_.empty() && points_.back().round > last) {
    points_.pop_back();
    newest_is_extra_ = false;
    const auto regular = static_cast<std::int64_t>(points_.size());
    updates_ = regular == 0 ? 0 : (regular - 1) * stride_ + 1;
  }
}

}  // namespace fedgap
