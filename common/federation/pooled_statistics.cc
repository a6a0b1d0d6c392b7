#include "common/federation/pooled_statistics.h"

#include "common/federation/enum_names.h"

namespace fedgap {
namespace {

constexpr EnumNames<3> kPooledModes = {"off", "mean", "classes"};

}  // namespace

std::string_view ToString(PooledMode mode) {
  return kPooledModes[static_cast<std::size_t>(mode)];
}

StatusOr<PooledMode> PooledModeFromString(std::string_view text) {
  return EnumFromString<PooledMode>("pooled mode", kPooledModes, text);
}

}  // namespace fedgap
