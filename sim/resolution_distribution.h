// How image sizes are spread over a population.
#ifndef FEDGAP_SIM_RESOLUTION_DISTRIBUTION_H_
#define FEDGAP_SIM_RESOLUTION_DISTRIBUTION_H_

#include <string>
#include <string_view>
#include <vector>

#include "common/base/status.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// Sizes and their shares, which sum to 1. No sizes: every image keeps its own
// ("native"). A value type.
class ResolutionDistribution {
 public:
  ResolutionDistribution() = default;

  // "14:0.2, 20:0.2, 28:0.3, 40:0.2, 24x36:0.1"; shares are weights, 1 where
  // none is given, so "28" is one size for all. "native" or "": none.
  // INVALID_ARGUMENT for anything else, saying what.
  static StatusOr<ResolutionDistribution> Parse(std::string_view text);

  bool is_native() const { return sizes_.empty(); }
  const std::vector<ImageSize>& sizes() const { return sizes_; }
  // The size at quantile `u` in [0, 1), in the order given. Not native.
  ImageSize At(double u) const;
  // The mean number of pixels. Not native.
  double MeanPixels() const;

 private:
  std::vector<ImageSize> sizes_;
  std::vector<double> ends_;  // cumulative shares
};

}  // namespace fedgap

#endif  // FEDGAP_SIM_RESOLUTION_DISTRIBUTION_H_
