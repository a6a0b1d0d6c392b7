#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/norm_pool_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

// Calls visit(tap index, ky, kx) for the taps of a window, in order. kSquare >
// 0: a window of that size, unrolled.
template <int kSquare, typename Visitor>
HWY_INLINE void ForEachTap(const PoolWindow& window, const Visitor& visit) {
  const int height = kSquare > 0 ? kSquare : window.kernel_height;
  const int width = kSquare > 0 ? kSquare : window.kernel_width;
  for (int ky = 0; ky < height; ++ky) {
    for (int kx = 0; kx < width; ++kx) visit(ky * width + kx, ky, kx);
  }
}

HWY_INLINE std::ptrdiff_t OffsetOf(const FeatureMap& map, int y, int x) {
  return y * map.row_stride + x * map.pixel_stride;
}

// The largest of relu(x a + b) is relu of the largest x a + b. kKeep: there are
// winners to write.
template <int kSquare, bool kRelu, bool kKeep>
void MaxPoolOf(const FeatureMap& in, const NormChannels& norm,
               const NormPool& pool, const FeatureMap& out) {
  const FloatTag d;
  const IntTag di;
  const std::ptrdiff_t stride = in.pixel_stride;
  const std::ptrdiff_t step = pool.window.stride_x * stride;
  std::int32_t* places = pool.winners.places;
  for (int y = 0; y < out.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      const float* windows = in.at(y * pool.window.stride_y, 0) + c;
      float* to = out.at(y, 0) + c;
      const FloatVector a = LoadAt(norm.a, c);
      const FloatVector b = LoadAt(norm.b, c);
      for (int x = 0; x < out.width; ++x) {
        const float* first = windows + x * step;
        FloatVector input = LoadAt(first, 0);
        FloatVector best = hn::MulAdd(input, a, b);
        auto winner = hn::Zero(di);
        ForEachTap<kSquare>(pool.window, [&](int tap, int ky, int kx) HWY_ATTR {
          if (tap == 0) return;
          const FloatVector other = LoadAt(first, OffsetOf(in, ky, kx));
          const FloatVector value = hn::MulAdd(other, a, b);
          const auto better = hn::Gt(value, best);
          best = hn::IfThenElse(better, value, best);
          if constexpr (kKeep) {
            input = hn::IfThenElse(better, other, input);
            winner = hn::IfThenElse(hn::RebindMask(di, better),
                                    hn::Set(di, tap), winner);
          }
        });
        if constexpr (kRelu) best = Relu(best);
        hn::Store(best, d, to + x * stride);
        if constexpr (kKeep) {
          hn::Store(input, d, pool.winners.inputs.at(y, x) + c);
          hn::Store(winner, di, places + x * stride + c);
        }
      }
    }
    if constexpr (kKeep) places += out.width * stride;
  }
}

template <int kSquare, bool kRelu>
void MaxPoolAny(const FeatureMap& in, const NormChannels& norm,
                const NormPool& pool, const FeatureMap& out) {
  pool.winners.places != nullptr
      ? MaxPoolOf<kSquare, kRelu, true>(in, norm, pool, out)
      : MaxPoolOf<kSquare, kRelu, false>(in, norm, pool, out);
}

void NormMaxPool(const FeatureMap& in, const NormChannels& norm, bool relu,
                 const NormPool& pool, const FeatureMap& out) {
  if (pool.window.is_square_of(2)) {
    relu ? MaxPoolAny<2, true>(in, norm, pool, out)
         : MaxPoolAny<2, false>(in, norm, pool, out);
  } else {
    relu ? MaxPoolAny<0, true>(in, norm, pool, out)
         : MaxPoolAny<0, false>(in, norm, pool, out);
  }
}

// The gradient's part that reaches every pixel: slope x + offset of one vector
// of channels. kAdd: it is added to what is there.
template <bool kAdd>
class SharedPart {
 public:
  HWY_INLINE SharedPart(const NormPoolGradientTask& task, std::ptrdiff_t c)
      : slope_(LoadAt(task.slope, c)), offset_(LoadAt(task.offset, c)) {}

  HWY_INLINE FloatVector At(const float* in) const {
    return hn::MulAdd(slope_, hn::Load(FloatTag(), in), offset_);
  }
  // Of the pixels of row y from x on, where no winner is.
  void PutRest(const NormPoolGradientTask& task, std::ptrdiff_t c, int y,
               int x) const {
    for (; x < task.in.width; ++x) {
      Put<kAdd>(At(task.in.at(y, x) + c), task.in_gradient.at(y, x) + c);
    }
  }

 private:
  FloatVector slope_;
  FloatVector offset_;
};

// One row of windows and one vector of channels.
template <int kSquare, bool kRelu, bool kAdd>
void GradientRow(const NormPoolGradientTask& task, int y, std::ptrdiff_t c) {
  const IntTag di;
  const FloatTag d;
  const PoolWindow& window = task.pool.window;
  const NormWinners& winners = task.pool.winners;
  const FeatureMap& in = task.in;
  const FeatureMap& out_gradient = task.out_gradient;
  const std::int32_t* places =
      winners.places + y * out_gradient.width * in.pixel_stride + c;
  const int top = y * window.stride_y;
  const FloatVector a = LoadAt(task.norm.a, c);
  const FloatVector b = LoadAt(task.norm.b, c);
  const SharedPart<kAdd> shared(task, c);
  for (int x = 0; x < out_gradient.width; ++x) {
    FloatVector gradient = LoadAt(out_gradient.at(y, x), c);
    if constexpr (kRelu) {
      const auto input = LoadAt(winners.inputs.at(y, x), c);
      gradient = ReluGradient(hn::MulAdd(input, a, b), gradient);
    }
    const auto winner = hn::Load(di, places + x * in.pixel_stride);
    const float* from = in.at(top, x * window.stride_x) + c;
    float* to = task.in_gradient.at(top, x * window.stride_x) + c;
    ForEachTap<kSquare>(window, [&](int tap, int ky, int kx) HWY_ATTR {
      const auto here = hn::RebindMask(d, hn::Eq(winner, hn::Set(di, tap)));
      const auto part = shared.At(from + OffsetOf(in, ky, kx));
      Put<kAdd>(hn::IfThenElse(here, hn::MulAdd(a, gradient, part), part),
                to + OffsetOf(task.in_gradient, ky, kx));
    });
  }
  for (int ky = 0; ky < window.stride_y; ++ky) {
    shared.PutRest(task, c, top + ky, out_gradient.width * window.stride_x);
  }
}

template <int kSquare, bool kRelu, bool kAdd>
void GradientOf(const NormPoolGradientTask& task) {
  const std::ptrdiff_t stride = task.in.pixel_stride;
  for (int y = 0; y < task.out_gradient.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      GradientRow<kSquare, kRelu, kAdd>(task, y, c);
    }
  }
  const int covered = task.out_gradient.height * task.pool.window.stride_y;
  for (int y = covered; y < task.in.height; ++y) {
    for (std::ptrdiff_t c = 0; c < stride; c += kLanes) {
      SharedPart<kAdd>(task, c).PutRest(task, c, y, 0);
    }
  }
}

template <int kSquare, bool kRelu>
void GradientAny(const NormPoolGradientTask& task) {
  task.accumulate ? GradientOf<kSquare, kRelu, true>(task)
                  : GradientOf<kSquare, kRelu, false>(task);
}

void NormMaxPoolGradient(const NormPoolGradientTask& task) {
  if (task.pool.window.is_square_of(2)) {
    task.relu ? GradientAny<2, true>(task) : GradientAny<2, false>(task);
  } else {
    task.relu ? GradientAny<0, true>(task) : GradientAny<0, false>(task);
  }
}

}  // namespace

void AddNormPool(Kernels& kernels) {
  kernels.norm_max_pool = NormMaxPool;
  kernels.norm_max_pool_gradient = NormMaxPoolGradient;
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap::kernels {

HWY_EXPORT(AddNormPool);

void AddNormPoolKernels(std::int64_t target, Kernels& kernels) {
  FEDGAP_CALL_FOR_TARGET(target, AddNormPool, kernels);
}

}  // namespace fedgap::kernels
#endif  // HWY_ONCE
