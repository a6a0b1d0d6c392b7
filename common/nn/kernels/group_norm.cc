#include "common/nn/kernels/group_norm.h"

#include <algorithm>
#include <cmath>

#include "common/base/check.h"

namespace fedgap::kernels {

GroupNorm::GroupNorm(const Options& options) : options_(options) {
  FEDGAP_CHECK(!pools() || options.max_pool->tiles());
}

std::size_t GroupNorm::state_elements() const {
  return static_cast<std::size_t>(PadChannels(options_.channels)) * kRows;
}

float* GroupNorm::RowOf(float* state, Row row) const {
  return state + std::ptrdiff_t{PadChannels(options_.channels)} * row;
}

NormChannels GroupNorm::ChannelsOf(float* state) const {
  return {RowOf(state, kMean), RowOf(state, kA), RowOf(state, kB)};
}

NormPool GroupNorm::PoolOf(const NormWinners& winners) const {
  return {*options_.max_pool, winners};
}

void GroupNorm::Measure(const Kernels& kernels, const ForwardArgs& args) const {
  const int per_group = options_.channels / options_.groups;
  const double count = static_cast<double>(args.in.pixels()) * per_group;
  float* mean = RowOf(args.state, kMean);
  float* a = RowOf(args.state, kA);
  float* b = RowOf(args.state, kB);
  float* inverse = RowOf(args.state, kInverse);
  float* sums = RowOf(args.state, kSum);
  // For the lanes beyond the channels.
  std::fill(args.state, args.state + state_elements(), 0.0f);

  kernels.channel_sums(args.in, false, sums);
  for (int first = 0; first < options_.channels; first += per_group) {
    double sum = 0;
    for (int c = first; c < first + per_group; ++c) sum += double{sums[c]};
    std::fill_n(mean + first, per_group, static_cast<float>(sum / count));
  }
  kernels.channel_squares(args.in, mean, sums);
  for (int first = 0; first < options_.channels; first += per_group) {
    double sum = 0;
    for (int c = first; c < first + per_group; ++c) sum += double{sums[c]};
    const auto scaling =
        static_cast<float>(1 / std::sqrt(sum / count + options_.epsilon));
    for (int c = first; c < first + per_group; ++c) {
      inverse[c] = scaling;
      a[c] = args.scale[c] * scaling;
      b[c] = std::fma(-mean[c], a[c], args.shift[c]);
    }
  }
}

void GroupNorm::Forward(const Kernels& kernels, const ForwardArgs& args) const {
  Measure(kernels, args);
  const NormChannels norm = ChannelsOf(args.state);
  if (pools()) {
    kernels.norm_max_pool(args.in, norm, options_.relu, PoolOf(args.winners),
                          args.out);
  } else {
    kernels.channel_affine(args.in, norm, options_.relu, args.out);
  }
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
  const NormChannels norm = ChannelsOf(args.state);
  float* sums = RowOf(args.state, kSum);
  float* products = RowOf(args.state, kProduct);
  float* slope = RowOf(args.state, kSlope);
  float* offset = RowOf(args.state, kOffset);

  // Where a pool follows, the winners alone have a gradient.
  const FeatureMap& in = pools() ? args.winners.inputs : args.in;
  kernels.norm_gradient_sums(in, args.out_gradient, norm, options_.relu, sums,
                             products);
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
  if (pools()) {
    kernels.norm_max_pool_gradient(
        {args.in, args.out_gradient, norm, options_.relu, slope, offset,
         PoolOf(args.winners), args.accumulate, args.in_gradient});
    return;
  }
  kernels.norm_gradient(args.in, args.out_gradient, norm, options_.relu, slope,
                        offset, args.accumulate, args.in_gradient);
}

}  // namespace fedgap::kernels
