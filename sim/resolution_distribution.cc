#include "sim/resolution_distribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/base/parse_number.h"

namespace fedgap {
namespace {

std::string_view Trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

struct WeightedSize {
  ImageSize size;
  double weight = 1;
};

StatusOr<WeightedSize> ParseItem(std::string_view item) {
  WeightedSize parsed;
  const std::size_t colon = item.find(':');
  FEDGAP_ASSIGN_OR_RETURN(parsed.size,
                          ParseImageSize(Trim(item.substr(0, colon))));
  if (colon == item.npos) return parsed;
  const std::string_view text = Trim(item.substr(colon + 1));
  const auto weight = ParseNumber<double>(text);
  if (!weight.has_value() || !std::isfinite(*weight) || *weight <= 0) {
    return absl::InvalidArgumentError(
        fmt::format("share '{}' of size {}: must be a number above 0", text,
                    parsed.size.ToString()));
  }
  parsed.weight = *weight;
  return parsed;
}

}  // namespace

StatusOr<ResolutionDistribution> ResolutionDistribution::Parse(
    std::string_view text) {
  ResolutionDistribution distribution;
  text = Trim(text);
  if (text.empty() || text == "native") return distribution;
  double sum = 0;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    FEDGAP_ASSIGN_OR_RETURN(const WeightedSize item,
                            ParseItem(Trim(text.substr(0, comma))));
    text = comma == text.npos ? std::string_view() : text.substr(comma + 1);
    sum += item.weight;
    distribution.sizes_.push_back(item.size);
    distribution.ends_.push_back(sum);
  }
  for (double& end : distribution.ends_) end /= sum;
  return distribution;
}

ImageSize ResolutionDistribution::At(double u) const {
  const auto found = std::ranges::upper_bound(ends_, u);
  // Rounding may leave the last end a bit below 1.
  const std::size_t i = std::min(
      static_cast<std::size_t>(found - ends_.begin()), sizes_.size() - 1);
  return sizes_[i];
}

double ResolutionDistribution::MeanPixels() const {
  double mean = 0;
  double begin = 0;
  for (std::size_t i = 0; i < sizes_.size(); ++i) {
    mean += (ends_[i] - begin) * static_cast<double>(sizes_[i].pixels());
    begin = ends_[i];
  }
  return mean;
}

}  // namespace fedgap
