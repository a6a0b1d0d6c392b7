#include "client/core/back_off.h"

#include <algorithm>

namespace fedgap {

std::chrono::milliseconds BackOff::Next() {
  const int doublings = std::min(++failures_, 20);
  const auto ceiling =
      std::min(options_.most, options_.least * (std::int64_t{1} << doublings));
  const auto spread = static_cast<std::uint64_t>(
      std::max<std::int64_t>(1, (ceiling - options_.least).count()));
  return options_.least + std::chrono::milliseconds(
                              static_cast<std::int64_t>(rng_.Below(spread)));
}

}  // namespace fedgap
