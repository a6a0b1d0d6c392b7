// Register tiles of a convolution, compiled once for each target: of its passes
// (conv_kernels.cc) and of its weight gradient (conv_weight_kernels.cc).
#if defined(FEDGAP_COMMON_NN_KERNELS_CONV_TILES_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef FEDGAP_COMMON_NN_KERNELS_CONV_TILES_INL_H_
#undef FEDGAP_COMMON_NN_KERNELS_CONV_TILES_INL_H_
#else
#define FEDGAP_COMMON_NN_KERNELS_CONV_TILES_INL_H_
#endif

#include <cstddef>
#include <utility>

#include "common/nn/kernels/bfloat16-inl.h"
#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {

// Register tiles: kTileVectors vectors of output channels times kTilePixels
// pixels (or, for weight gradients, kTileRows rows of weights), so that
// accumulators, one row of weights and one input fill the register file.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
inline constexpr std::size_t kTileVectors = 2;
inline constexpr int kTilePixels = 14;
inline constexpr int kTileRows = 12;
#elif HWY_TARGET == HWY_NEON
inline constexpr std::size_t kTileVectors = 4;
inline constexpr int kTilePixels = 6;
inline constexpr int kTileRows = 6;
#else
inline constexpr std::size_t kTileVectors = 2;
inline constexpr int kTilePixels = 6;
inline constexpr int kTileRows = 6;
#endif

// Where a tile of channels stands: the tile may be a part of a block or span
// two blocks.
struct ChannelTile {
  std::ptrdiff_t channel;      // of the first lane
  std::ptrdiff_t weights;      // floats to the first lane's weights
  std::ptrdiff_t vector_step;  // floats from a vector's weights to the next's
};

// What is multiplied.
enum class Operands {
  kBroadcast,    // one input with a vector of weights
  kDepthwise,    // lane by lane
  kPairs,        // one pair of bfloat16 inputs with a vector of pairs
  kNativePairs,  // the same by an instruction of AVX512_BF16
};

template <Operands kOperands, std::size_t kVector>
HWY_INLINE FloatVector Input(const float* x) {
  if constexpr (kOperands == Operands::kDepthwise) {
    return hn::Load(FloatTag(), x + kVector * kLanes);
  } else {
    return hn::Set(FloatTag(), *x);
  }
}

template <Operands kOperands>
HWY_INLINE FloatVector MultiplyAdd(FloatVector x, FloatVector w,
                                   FloatVector sum) {
  if constexpr (kOperands == Operands::kPairs) {
    return AddPairProducts(x, w, sum);
  } else if constexpr (kOperands == Operands::kNativePairs) {
#if HWY_TARGET == HWY_AVX3
    // As an intrinsic it would need a target of its own.
    asm("vdpbf16ps %2, %1, %0" : "+v"(sum.raw) : "v"(w.raw), "v"(x.raw));
#endif
    return sum;
  } else {
    return hn::MulAdd(x, w, sum);
  }
}

// The register arrays are indexed by template arguments only: g++ 12 keeps
// arrays that a loop variable indexes in memory.
template <Operands kOperands, std::size_t... kV>
HWY_INLINE void MultiplyAdd(const float* x, const FloatVector* w,
                            FloatVector* sums, std::index_sequence<kV...>) {
  ((sums[kV] =
        MultiplyAdd<kOperands>(Input<kOperands, kV>(x), w[kV], sums[kV])),
   ...);
}

template <std::size_t... kV>
HWY_INLINE void LoadVectors(const float* from, std::ptrdiff_t step,
                            FloatVector* to, std::index_sequence<kV...>) {
  ((to[kV] =
        hn::Load(FloatTag(), from + static_cast<std::ptrdiff_t>(kV) * step)),
   ...);
}

template <std::size_t... kV>
HWY_INLINE void StoreVectors(const FloatVector* from, std::ptrdiff_t step,
                             float* to, std::index_sequence<kV...>) {
  (hn::Store(from[kV], FloatTag(), to + static_cast<std::ptrdiff_t>(kV) * step),
   ...);
}

// What a sum starts from when that is zero, in place of a bias.
alignas(64) inline constexpr float kZeros[kTileVectors * kLanes] = {};

static_assert(kTileVectors <= kBlockVectors ||
              (kBlockVectors == 1 && kTileVectors == 2));

// Calls visit(tile, number of vectors as an integral constant) for all
// channels.
template <typename Visitor>
HWY_INLINE void ForEachChannelTile(int blocks, std::ptrdiff_t block_stride,
                                   const Visitor& visit) {
  if constexpr (kTileVectors > kBlockVectors) {
    int b = 0;
    for (; b + 2 <= blocks; b += 2) {
      visit(ChannelTile{b * kChannelBlock, b * block_stride, block_stride},
            std::integral_constant<std::size_t, 2>());
    }
    if (b < blocks) {
      visit(ChannelTile{b * kChannelBlock, b * block_stride, block_stride},
            std::integral_constant<std::size_t, 1>());
    }
  } else {
    constexpr auto kStep = static_cast<std::ptrdiff_t>(kTileVectors * kLanes);
    for (int b = 0; b < blocks; ++b) {
      for (std::ptrdiff_t lane = 0; lane < kChannelBlock; lane += kStep) {
        visit(ChannelTile{b * kChannelBlock + lane, b * block_stride + lane,
                          static_cast<std::ptrdiff_t>(kLanes)},
              std::integral_constant<std::size_t, kTileVectors>());
      }
    }
  }
}

// A map of one column is done as one row.
template <typename Task>
Task Upright(Task task) {
  if (task.width == 1) {
    std::swap(task.width, task.height);
    std::swap(task.in_row, task.in_pixel);
    std::swap(task.out_row, task.out_pixel);
  }
  return task;
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // FEDGAP_COMMON_NN_KERNELS_CONV_TILES_INL_H_
