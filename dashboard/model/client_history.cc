#include "dashboard/model/client_history.h"

namespace fedgap {

void ClientHistory::Add(const UpdatePoint& point, std::size_t limit) {
  if (newest_is_extra_) points_.pop_back();
  ++since_;
  newest_is_extra_ = !points_.empty() && since_ < stride_;
  if (!newest_is_extra_) since_ = 0;
  points_.push_back(point);
  if (points_.size() <= limit || limit < 2) return;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < points_.size(); i += 2) {
    points_[kept++] = points_[i];
  }
  points_.resize(kept);
  stride_ *= 2;
  // An odd number keeps the newest; of an even one it went, and comes back as
  // the extra one.
  since_ = 0;
  newest_is_extra_ = false;
  if (points_.back().round != point.round) {
    points_.push_back(point);
    newest_is_extra_ = true;
    since_ = stride_ / 2;
  }
}

void ClientHistory::Truncate(Round last) {
  while (!points_.empty() && points_.back().round > last) {
    points_.pop_back();
    newest_is_extra_ = false;
    since_ = 0;
  }
}

}  // namespace fedgap
