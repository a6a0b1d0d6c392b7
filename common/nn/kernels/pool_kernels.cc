#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/pool_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include <algorithm>

#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

// The part of one output's window that lies inside the image.
struct Window {
  int ky_begin;
  int ky_end;
  int kx_begin;
  int kx_end;
  std::ptrdiff_t first;  // offset in the map of the window's tap (0, 0)

  int count() const { return (ky_end - ky_begin) * (kx_end - kx_begin); }
};

HWY_INLINE Window WindowAt(const PoolWindow& pool, const FeatureMap& map, int y,
                           int x) {
  const int top = y * pool.stride_y - pool.padding_y;
  const int left = x * pool.stride_x - pool.padding_x;
  Window window{};
  window.ky_begin = std::max(0, -top);
  window.ky_end = std::min(pool.kernel_height, map.height - top);
  window.kx_begin = std::max(0, -left);
  window.kx_end = std::min(pool.kernel_width, map.width - left);
  window.first = top * map.row_stride + left * map.pixel_stride;
  return window;
}

// Calls visit(tap index, offset of its pixel) for the taps of a window, in
// order. kSquare > 0: a whole window of that size, unrolled.
template <int kSquare, typename Visitor>
HWY_INLINE void ForEachTap(const PoolWindow& pool, const FeatureMap& map,
                           const Window& window, const Visitor& visit) {
  if constexpr (kSquare > 0) {
    for (int ky = 0; ky < kSquare; ++ky) {
      for (int kx = 0; kx < kSquare; ++kx) {
        visit(ky * kSquare + kx,
              window.first + ky * map.row_stride + kx * map.pixel_stride);
      }
    }
  } else {
    for (int ky = window.ky_begin; ky < window.ky_end; ++ky) {
      for (int kx = window.kx_begin; kx < window.kx_end; ++kx) {
        visit(ky * pool.kernel_width + kx,
              window.first + ky * map.row_stride + kx * map.pixel_stride);
      }
    }
  }
}

// One output's vector of channels; `winner_out` is not written
// unless kKeep.
template <int kSquare, bool kKeep>
HWY_INLINE void MaxPoolVector(const PoolWindow& pool, const FeatureMap& in,
                              const Window& window, std::ptrdiff_t c,
                              float* out, std::int32_t* winner_out) {
  const FloatTag d;
  const IntTag di;
  const int first_tap =
      kSquare > 0 ? 0 : window.ky_begin * pool.kernel_width + window.kx_begin;
  const std::ptrdiff_t first_pixel = window.first +
                                     window.ky_begin * in.row_stride +
                                     window.kx_begin * in.pixel_stride;
  FloatVector best = hn::Load(d, in.data + first_pixel + c);
  auto winner = hn::Set(di, first_tap);
  ForEachTap<kSquare>(
      pool, in, window, [&](int tap, std::ptrdiff_t pixel) HWY_ATTR {
        if (tap == first_tap) return;
        const FloatVector value = hn::Load(d, in.data + pixel + c);
        const auto better = hn::Gt(value, best);
        best = hn::IfThenElse(better, value, best);
        if constexpr (kKeep) {
          winner = hn::IfThenElse(hn::RebindMask(di, better), hn::Set(di, tap),
                                  winner);
        }
      });
  hn::Store(best, d, out);
  if constexpr (kKeep) hn::Store(winner, di, winner_out);
}

// kKeep: `winners` is not null.
template <bool kKeep>
void MaxPoolMap(const PoolWindow& pool, const FeatureMap& in,
                const FeatureMap& out, std::int32_t* winners) {
  const std::ptrdiff_t stride = out.pixel_stride;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const Window window = WindowAt(pool, in, y, x);
      for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
        MaxPoolVector<0, kKeep>(pool, in, window, c, out.at(y, x) + c,
                                kKeep ? winners + c : nullptr);
      }
      if constexpr (kKeep) winners += stride;
    }
  }
}

// Windows that tile: all whole, one beside the other.
template <int kSquare, bool kKeep>
void MaxPoolTiles(const PoolWindow& pool, const FeatureMap& in,
                  const FeatureMap& out, std::int32_t* winners) {
  const std::ptrdiff_t stride = out.pixel_stride;
  for (int y = 0; y < out.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      Window window = WindowAt(pool, in, y, 0);
      float* to = out.at(y, 0) + c;
      for (int x = 0; x < out.width; ++x) {
        const std::ptrdiff_t at = x * stride;
        MaxPoolVector<kSquare, kKeep>(pool, in, window, c, to + at,
                                      kKeep ? winners + at + c : nullptr);
        window.first += pool.stride_x * stride;
      }
    }
    if constexpr (kKeep) winners += out.width * stride;
  }
}

template <bool kKeep>
void MaxPoolAny(const PoolWindow& pool, const FeatureMap& in,
                const FeatureMap& out, std::int32_t* winners) {
  if (!pool.tiles()) {
    MaxPoolMap<kKeep>(pool, in, out, winners);
  } else if (pool.is_square_of(2)) {
    MaxPoolTiles<2, kKeep>(pool, in, out, winners);
  } else {
    MaxPoolTiles<0, kKeep>(pool, in, out, winners);
  }
}

void MaxPool(const PoolWindow& pool, const FeatureMap& in,
             const FeatureMap& out, std::int32_t* winners) {
  winners != nullptr ? MaxPoolAny<true>(pool, in, out, winners)
                     : MaxPoolAny<false>(pool, in, out, nullptr);
}

void FillZero(const FeatureMap& map) {
  for (int y = 0; y < map.height; ++y) {
    std::fill_n(map.at(y, 0), map.width * map.pixel_stride, 0.0f);
  }
}

// Zeroes what the tiles leave over at the right and at the bottom.
void FillRest(const PoolWindow& pool, const FeatureMap& out,
              const FeatureMap& in) {
  const int height = out.height * pool.stride_y;
  const int width = out.width * pool.stride_x;
  for (int y = 0; y < in.height; ++y) {
    const int begin = y < height ? width : 0;
    std::fill_n(in.at(y, begin), (in.width - begin) * in.pixel_stride, 0.0f);
  }
}

// What one output's vector of channels hands to its window.
template <int kSquare, bool kAdd>
HWY_INLINE void MaxPoolGradientVector(const PoolWindow& pool,
                                      const FeatureMap& in_gradient,
                                      const Window& window, std::ptrdiff_t c,
                                      const float* gradient,
                                      const float* relu_output,
                                      const std::int32_t* winners) {
  const FloatTag d;
  const IntTag di;
  FloatVector value = hn::Load(d, gradient);
  if (relu_output != nullptr) {
    value = ReluGradient(hn::Load(d, relu_output), value);
  }
  const auto winner = hn::Load(di, winners);
  ForEachTap<kSquare>(
      pool, in_gradient, window, [&](int tap, std::ptrdiff_t pixel) HWY_ATTR {
        const auto here = hn::RebindMask(d, hn::Eq(winner, hn::Set(di, tap)));
        Put<kAdd>(hn::IfThenElseZero(here, value),
                  in_gradient.data + pixel + c);
      });
}

void MaxPoolGradientMap(const PoolWindow& pool, const FeatureMap& out_gradient,
                        const std::int32_t* winners,
                        const FeatureMap* relu_output,
                        const FeatureMap& in_gradient) {
  const std::ptrdiff_t stride = out_gradient.pixel_stride;
  for (int y = 0; y < out_gradient.height; ++y) {
    for (int x = 0; x < out_gradient.width; ++x) {
      const Window window = WindowAt(pool, in_gradient, y, x);
      for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
        const float* mask =
            relu_output == nullptr ? nullptr : relu_output->at(y, x) + c;
        MaxPoolGradientVector<0, true>(pool, in_gradient, window, c,
                                       out_gradient.at(y, x) + c, mask,
                                       winners + c);
      }
      winners += stride;
    }
  }
}

// Each pixel of what the windows cover is written once.
template <int kSquare>
void MaxPoolGradientTiles(const PoolWindow& pool,
                          const FeatureMap& out_gradient,
                          const std::int32_t* winners,
                          const FeatureMap* relu_output,
                          const FeatureMap& in_gradient) {
  const std::ptrdiff_t stride = out_gradient.pixel_stride;
  for (int y = 0; y < out_gradient.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      Window window = WindowAt(pool, in_gradient, y, 0);
      for (int x = 0; x < out_gradient.width; ++x) {
        const float* mask =
            relu_output == nullptr ? nullptr : relu_output->at(y, x) + c;
        MaxPoolGradientVector<kSquare, false>(pool, in_gradient, window, c,
                                              out_gradient.at(y, x) + c, mask,
                                              winners + x * stride + c);
        window.first += pool.stride_x * stride;
      }
    }
    winners += out_gradient.width * stride;
  }
}

void MaxPoolGradient(const PoolWindow& pool, const FeatureMap& out_gradient,
                     const std::int32_t* winners, const FeatureMap* relu_output,
                     bool accumulate, const FeatureMap& in_gradient) {
  if (pool.tiles() && !accumulate) {
    FillRest(pool, out_gradient, in_gradient);
    const auto run = pool.is_square_of(2) ? MaxPoolGradientTiles<2>
                                          : MaxPoolGradientTiles<0>;
    run(pool, out_gradient, winners, relu_output, in_gradient);
    return;
  }
  if (!accumulate) FillZero(in_gradient);
  MaxPoolGradientMap(pool, out_gradient, winners, relu_output, in_gradient);
}

void AvgPool(const PoolWindow& pool, const FeatureMap& in,
             const FeatureMap& out) {
  const FloatTag d;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const Window window = WindowAt(pool, in, y, x);
      const auto count = hn::Set(d, static_cast<float>(window.count()));
      float* to = out.at(y, x);
      for (std::ptrdiff_t c = 0; c < in.pixel_stride; c += kLanes) {
        FloatVector sum = hn::Zero(d);
        ForEachTap<0>(pool, in, window,
                      [&](int, std::ptrdiff_t pixel) HWY_ATTR {
                        sum = hn::Add(sum, hn::Load(d, in.data + pixel + c));
                      });
        hn::Store(hn::Div(sum, count), d, to + c);
      }
    }
  }
}

void AvgPoolGradient(const PoolWindow& pool, const FeatureMap& out_gradient,
                     bool accumulate, const FeatureMap& in_gradient) {
  const FloatTag d;
  if (!accumulate) FillZero(in_gradient);
  for (int y = 0; y < out_gradient.height; ++y) {
    for (int x = 0; x < out_gradient.width; ++x) {
      const Window window = WindowAt(pool, in_gradient, y, x);
      const auto count = hn::Set(d, static_cast<float>(window.count()));
      const float* gradient = out_gradient.at(y, x);
      for (std::ptrdiff_t c = 0; c < in_gradient.pixel_stride; c += kLanes) {
        const auto share = hn::Div(hn::Load(d, gradient + c), count);
        ForEachTap<0>(pool, in_gradient, window,
                      [&](int, std::ptrdiff_t pixel) HWY_ATTR {
                        Put<true>(share, in_gradient.data + pixel + c);
                      });
      }
    }
  }
}

}  // namespace

void AddPool(Kernels& kernels) {
  kernels.max_pool = MaxPool;
  kernels.max_pool_gradient = MaxPoolGradient;
  kernels.avg_pool = AvgPool;
  kernels.avg_pool_gradient = AvgPoolGradient;
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap::kernels {

HWY_EXPORT(AddPool);

void AddPoolKernels(std::int64_t target, Kernels& kernels) {
  FEDGAP_CALL_FOR_TARGET(target, AddPool, kernels);
}

}  // namespace fedgap::kernels
#endif  // HWY_ONCE
