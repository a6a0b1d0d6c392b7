// The names of an enum's values, as they stand in configurations and logs.
#ifndef FEDGAP_COMMON_FEDERATION_ENUM_NAMES_H_
#define FEDGAP_COMMON_FEDERATION_ENUM_NAMES_H_

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "common/base/status.h"

namespace fedgap {

// Value i of the enum is called names[i].
template <std::size_t kCount>
using EnumNames = std::array<std::string_view, kCount>;

// The value called `text`. INVALID_ARGUMENT says what is known: "unknown
// weighting 'clients'; known: client, group, samples, pixels".
template <typename Enum, std::size_t kCount>
StatusOr<Enum> EnumFromString(std::string_view what,
                              const EnumNames<kCount>& names,
                              std::string_view text) {
  const auto found = std::ranges::find(names, text);
  if (found == names.end()) {
    return absl::InvalidArgumentError(fmt::format(
        "unknown {} '{}'; known: {}", what, text, fmt::join(names, ", ")));
  }
  return static_cast<Enum>(found - names.begin());
}

}  // namespace fedgap

#endif  // FEDGAP_COMMON_FEDERATION_ENUM_NAMES_H_
