#include "common/federation/run_config.h"

#include "common/federation/enum_names.h"

namespace fedgap {
namespace {

constexpr EnumNames<4> kWeightings = {"client", "group", "samples", "pixels"};
constexpr EnumNames<4> kStrategies = {"fedavg", "fedavgm", "fedadam", "median"};
constexpr EnumNames<2> kOnExcess = {"reject", "clip"};

}  // namespace

std::string_view ToString(Weighting weighting) {
  return kWeightings[static_cast<std::size_t>(weighting)];
}

StatusOr<Weighting> WeightingFromString(std::string_view text) {
  return EnumFromString<Weighting>("weighting", kWeightings, text);
}

std::string_view ToString(StrategyKind strategy) {
  return kStrategies[static_cast<std::size_t>(strategy)];
}

StatusOr<StrategyKind> StrategyKindFromString(std::string_view text) {
  return EnumFromString<StrategyKind>("strategy", kStrategies, text);
}

std::string_view ToString(OnExcess on_excess) {
  return kOnExcess[static_cast<std::size_t>(on_excess)];
}

StatusOr<OnExcess> OnExcessFromString(std::string_view text) {
  return EnumFromString<OnExcess>("on_excess", kOnExcess, text);
}

}  // namespace fedgap
