// Influence: a share of a round's total aggregation weight; the shares of all
// clients, and those of all groups, sum to 1.
#ifndef FEDGAP_COMMON_FEDERATION_INFLUENCE_H_
#define FEDGAP_COMMON_FEDERATION_INFLUENCE_H_

#include <cstdint>

#include "common/federation/ids.h"

namespace fedgap {

struct GroupInfluence {
  int group = 0;
  double influence = 0;
  double pixel_influence = 0;  // what weighting by pixels would have given
  int clients = 0;             // that hold the group
  std::int64_t samples = 0;
  std::int64_t pixels = 0;
};

struct ClientInfluence {
  ClientName client;
  double influence = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_INFLUENCE_H_
