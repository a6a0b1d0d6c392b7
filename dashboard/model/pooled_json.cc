#include "dashboard/model/pooled_json.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace fedgap {

using Json = nlohmann::ordered_json;

Json PooledJson(const PooledView& pooled) {
  Json rounds = Json::array();
  for (const PooledRound& round : pooled.rounds) {
    Json points = Json::array();
    for (const PooledPoint& point : round.points) {
      points.push_back({point.client, point.group, ShortNumber(point.x),
                        ShortNumber(point.y)});
    }
    Json drift = Json::array();
    for (const GroupDrift& group : round.drift) {
      drift.push_back({group.group, ShortNumber(group.to_all),
                       group.to_previous.has_value()
                           ? Json(ShortNumber(*group.to_previous))
                           : Json(nullptr)});
    }
    rounds.push_back({{"round", round.round},
                      {"points", std::move(points)},
                      {"drift", std::move(drift)}});
  }
  Json distances = Json::array();
  for (const double distance : pooled.distances) {
    distances.push_back(ShortNumber(distance));
  }
  return {{"rounds", std::move(rounds)},
          {"explained", {pooled.explained_x, pooled.explained_y}},
          {"classes", pooled.classes},
          {"distances", std::move(distances)},
          {"problems", pooled.problems}};
}

}  // namespace fedgap
