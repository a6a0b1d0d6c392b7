// How pixel values enter a network.
#ifndef FEDGAP_COMMON_TENSOR_NORMALIZATION_H_
#define FEDGAP_COMMON_TENSOR_NORMALIZATION_H_

#include <vector>

namespace fedgap {

// A pixel value v in [0, 1] (8-bit: value / 255) enters as (v - mean) /
// stddev, computed in double and rounded once to float. One entry a channel.
struct Normalization {
  std::vector<double> mean;
  std::vector<double> stddev;
  bool operator==(const Normalization&) const = default;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TENSOR_NORMALIZATION_H_
