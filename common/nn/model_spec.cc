#include "common/nn/model_spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/did_you_mean.h"

namespace fedgap {
namespace {

// In the order of Op.
constexpr std::array<std::string_view, 8> kOpNames = {
    "conv2d",     "relu", "max_pool", "avg_pool",
    "group_norm", "add",  "gap",      "linear"};

}  // namespace

std::string_view ToString(Op op) {
  return kOpNames[static_cast<std::size_t>(op)];
}

StatusOr<Op> OpFromString(std::string_view text) {
  const auto found = std::ranges::find(kOpNames, text);
  if (found != kOpNames.end()) {
    return static_cast<Op>(found - kOpNames.begin());
  }
  const std::vector<std::string> known(kOpNames.begin(), kOpNames.end());
  return absl::InvalidArgumentError(fmt::format("unknown op '{}' (known: {}){}",
                                                text, fmt::join(kOpNames, ", "),
                                                DidYouMean(text, known)));
}

Normalization DefaultNormalization(int channels) {
  const auto count = static_cast<std::size_t>(std::max(channels, 0));
  return {std::vector<double>(count, 0.5), std::vector<double>(count, 0.5)};
}

}  // namespace fedgap
