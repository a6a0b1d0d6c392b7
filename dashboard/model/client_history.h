// One client's updates over the rounds, in bounded memory.
#ifndef FEDGAP_DASHBOARD_MODEL_CLIENT_HISTORY_H_
#define FEDGAP_DASHBOARD_MODEL_CLIENT_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/federation/ids.h"

namespace fedgap {

struct UpdatePoint {
  Round round = 0;
  double norm = 0;
  double cosine = 0;  // with the global step of the round before
  double train_seconds = 0;
  double arrived_seconds = 0;
  std::int64_t bytes = 0;
  double held_out_accuracy = -1;  // of the received model; -1: not measured
  std::uint64_t revision = 0;     // of the view, when it took its place
};

// Keeps at most `limit` points: when there are more, every second one of those
// that it has, and from then on every second one that comes. The newest is
// always there.
class ClientHistory {
 public:
  void Add(const UpdatePoint& point, std::size_t limit);
  // Points of later rounds go: a restart runs them again.
  void Truncate(Round last);

  const std::vector<UpdatePoint>& points() const { return points_; }
  // How many of the points, from the first on, stood in their places at
  // `revision` already: who has those needs the others only.
  std::size_t CountUpTo(std::uint64_t revision) const;
  // How many updates one point stands for.
  std::int64_t stride() const { return stride_; }

 private:
  std::vector<UpdatePoint> points_;
  std::int64_t stride_ = 1;
  std::int64_t updates_ = 0;  // that came; every stride_-th stays
  bool newest_is_extra_ = false;
};

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_MODEL_CLIENT_HISTORY_H_
