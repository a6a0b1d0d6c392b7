#include "common/nn/kernels/group_norm.h"

#include <algorithm>
#include <cmath>

namespace fedgap::kernels {

std::size_t GroupNorm::state_elements() const {
  return static_cast<std::size_t>(PadChannels(options_.channels)) * kRows;
}

float* GroupNorm::RowOf(float* state, Row row) const {
  return state + std::ptrdiff_t{PadChannels(options_.channels)} * row;
}

void GroupNorm::Forward(const Kernels& kernels, const FeatureMap& in,
                        const float* scale, const float* shift, float* state,
                        const FeatureMap& out) const {
  const int per_group = options_.channels / options_.groups;
  const double count = static_cast<double>(in.pixels()) * per_group;
  float* mean = RowOf(state, kMean);
  float* a = RowOf(state, kA);
  float* b = RowOf(state, kB);
  float* inverse = RowOf(state, kInverse);
  float* sums = RowOf(state, kSum);
  // For the lanes beyond the channels.
  std::fill(state, state + state_elements(), 0.0f);

  kernels.channel_sums(in, false, sums);
  for (int first = 0; first < options_.channels; first += per_group) {
    double sum = 0;
    for (int c = first; c < first + per_group; ++c) sum += double{sums[c]};
    std::fill_n(mean + first, per_group, static_cast<float>(sum / count));
  }
  kernels.channel_squares(in, mean, sums);
  for (int first = 0; first < options_.channels; first += per_group) {
    double sum = 0;
    for (int c = first; c < first + per_group; ++c) sum += double{sums[c]};
    const auto scaling =
        static_cast<float>(1 / std::sqrt(sum / count + options_.epsilon));
    for (int c = first; c < first + per_group; ++c) {
      inverse[c] = scaling;
      a[c] = scale[c] * scaling;
      b[c] = std::fma(-mean[c], a[c], shift[c]);
    }
  }
  kernels.channel_affine(in, {mean, a, b}, options_.relu, out);
}

// With d the gradient at y, n the elements of a group and xhat the normalised
// x: dx = inverse (scale d - sum(scale d) / n - xhat sum(scale d xhat) / n),
// which is a d + slope x + offset.
void GroupNorm::Backward(const Kernels& kernels,
                         const BackwardArgs& args) const {
  const int per_group = options_.channels / options_.groups;
  const double count = static_cast<double>(args.in.pixels()) * per_group;
  const float* mean = RowOf(args.state, kMean);
  const float* inverse = RowOf(args.state, kInverse);
  const NormChannels norm{mean, RowOf(args.state, kA), RowOf(args.state, kB)};
  float* sums = RowOf(args.state, kSum);
  float* products = RowOf(args.state, kProduct);
  float* slope = RowOf(args.state, kSlope);
  float* offset = RowOf(args.state, kOffset);

  kernels.norm_gradient_sums(args.in, args.out_gradient, norm, options_.relu,
                             sums, products);
  for (int first = 0; first < options_.channels; first += per_group) {
    double sum = 0;
    double product = 0;
    for (int c = first; c < first + per_group; ++c) {
      args.scale_gradient[c] += products[c] * inverse[c];
      args.shift_gradient[c] += sums[c];
      sum += double{args.scale[c]} * double{sums[c]};
      product += double{args.scale[c]} * double{products[c]};
    }
    const double scaling = double{inverse[first]};
    const double k1 = -scaling * scaling * scaling * product / count;
    const double k0 = -scaling * sum / count - k1 * double{mean[first]};
    std::fill_n(slope + first, per_group, static_cast<float>(k1));
    std::fill_n(offset + first, per_group, static_cast<float>(k0));
  }
  if (args.in_gradient.data == nullptr) return;
  kernels.norm_gradient(args.in, args.out_gradient, norm, options_.relu, slope,
                        offset, args.accumulate, args.in_gradient);
}

}  // namespace fedgap::kernels
