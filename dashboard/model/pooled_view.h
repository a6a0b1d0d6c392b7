// The clients' pooled vectors, from the files beside the log
// (docs/RUN_DIRECTORY.md), in what a person can look at.
#ifndef FEDGAP_DASHBOARD_MODEL_POOLED_VIEW_H_
#define FEDGAP_DASHBOARD_MODEL_POOLED_VIEW_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/federation/ids.h"

namespace fedgap {

// The mean pooled vector of one client in one resolution group, seen along the
// two directions in which such vectors differ most: principal components of
// the vectors of all rounds looked at, each less the mean of its round.
struct PooledPoint {
  std::string client;
  int group = 0;
  double x = 0;
  double y = 0;
};

// How a resolution group's mean pooled vector stands to others.
struct GroupDrift {
  int group = 0;
  double to_all = 0;  // cosine with the mean over all groups of the round
  // Cosine with the group's own of the round looked at before.
  std::optional<double> to_previous;
};

struct PooledRound {
  Round round = 0;
  std::vector<PooledPoint> points;
  std::vector<GroupDrift> drift;  // ascending by group
};

struct PooledView {
  std::vector<PooledRound> rounds;  // ascending
  // Shares of the variance that x and y show.
  double explained_x = 0;
  double explained_y = 0;
  // Of the newest round: Euclidean distances between the class prototypes (the
  // mean over the clients that hold enough of a class), entry a * classes + b;
  // NaN where nobody holds one. Empty without class means.
  int classes = 0;
  std::vector<double> distances;
  // Files that could not be read, the first few.
  std::vector<std::string> problems;
};

// Of at most `max_rounds` rounds: the newest and others spread over the run.
// Absent where there are no such files, as for a copied log. Files that cannot
// be read are named in `problems`.
std::optional<PooledView> ReadPooledView(const std::filesystem::path& run,
                                         std::size_t max_rounds = 60);

}  // namespace fedgap

#endif  // FEDGAP_DASHBOARD_MODEL_POOLED_VIEW_H_
