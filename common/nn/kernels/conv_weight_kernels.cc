#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/conv_weight_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include <algorithm>
#include <array>
#include <utility>

#include "common/nn/kernels/conv_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

// Rows of the image between two visits of the same weights in the weight
// gradient, so that both operands stay in the nearest cache.
constexpr int kWeightGradientPixels = 256;

// Some rows of weights (each one tap and one input channel) times the image
// rows [y_begin, y_end).
struct WeightTile {
  int y_begin;
  int y_end;
  const float* in;
  const std::ptrdiff_t* offsets;  // of each row's input
  float* gradient;                // of the first row
  // What the sums start from, and the floats to the next row's and vector's.
  const float* start;
  std::ptrdiff_t start_row;
  std::ptrdiff_t start_step;
};

template <Operands kOperands, bool kContiguous, std::size_t kVectors,
          std::size_t... kR>
HWY_INLINE void WeightGradientTile(const ConvWeightTask& task,
                                   const ChannelTile& channels,
                                   const WeightTile& tile,
                                   std::index_sequence<kR...>) {
  constexpr auto kV = std::make_index_sequence<kVectors>();
  FloatVector sums[sizeof...(kR) * kVectors];
  (LoadVectors(tile.start + static_cast<std::ptrdiff_t>(kR) * tile.start_row,
               tile.start_step, sums + kR * kVectors, kV),
   ...);
  const std::ptrdiff_t offsets[] = {tile.offsets[kR]...};
  // A contiguous row is read at constant distances from its first weight's
  // input: what the loop needs stays in registers.
  const float* row = tile.in + (kContiguous ? offsets[0] : 0);
  const int width = task.width;
  const std::ptrdiff_t in_pixel = task.in_pixel;
  const std::ptrdiff_t out_pixel = task.out_pixel;
  for (int y = tile.y_begin; y < tile.y_end; ++y) {
    const float* x = row + y * task.in_row;
    const float* d = task.out_gradient + y * task.out_row + channels.channel;
    for (int i = 0; i < width; ++i) {
      FloatVector gradients[kVectors];
      LoadVectors(d, kLanes, gradients, kV);
      if constexpr (kContiguous) {
        (MultiplyAdd<kOperands>(x + kR, gradients, sums + kR * kVectors, kV),
         ...);
      } else {
        (MultiplyAdd<kOperands>(x + offsets[kR], gradients,
                                sums + kR * kVectors, kV),
         ...);
      }
      x += in_pixel;
      d += out_pixel;
    }
  }
  (StoreVectors(sums + kR * kVectors, channels.vector_step,
                tile.gradient + kR * kChannelBlock, kV),
   ...);
}

template <Operands kOperands, bool kContiguous, std::size_t kVectors,
          std::size_t kRows>
HWY_NOINLINE void WeightGradientTileOf(const ConvWeightTask& task,
                                       const ChannelTile& channels,
                                       const WeightTile& tile) {
  WeightGradientTile<kOperands, kContiguous, kVectors>(
      task, channels, tile, std::make_index_sequence<kRows>());
}

// The rows of a filter in order: every tap's input channels.
class FilterRows {
 public:
  explicit FilterRows(const ConvWeightTask& task) : task_(task) {}

  // The input offsets of the next `count` rows.
  void Take(int count, std::ptrdiff_t* offsets) {
    for (int r = 0; r < count; ++r) {
      offsets[r] = task_.taps[tap_] + channel_;
      if (++channel_ == task_.in_count) {
        channel_ = 0;
        ++tap_;
      }
    }
  }

 private:
  const ConvWeightTask& task_;
  int tap_ = 0;
  int channel_ = 0;
};

template <Operands kOperands, std::size_t kVectors, std::size_t... kR>
void WeightGradientRows(const ConvWeightTask& task, const ChannelTile& channels,
                        std::index_sequence<kR...>) {
  constexpr bool kDepthwise = kOperands == Operands::kDepthwise;
  using TileFunction =
      void (*)(const ConvWeightTask&, const ChannelTile&, const WeightTile&);
  constexpr TileFunction kTiles[2][sizeof...(kR)] = {
      {WeightGradientTileOf<kOperands, false, kVectors, kR + 1>...},
      {WeightGradientTileOf<kOperands, !kDepthwise, kVectors, kR + 1>...}};
  constexpr int kMost = sizeof...(kR);
  const int rows = task.tap_count * task.in_count;
  const int tiles = (rows + kMost - 1) / kMost;
  const int band = std::max(1, kWeightGradientPixels / task.width);
  WeightTile tile{};
  tile.in = task.in + (kDepthwise ? channels.channel : 0);
  std::array<std::ptrdiff_t, kMost> offsets;
  tile.offsets = offsets.data();
  for (int y = 0; y < task.height; y += band) {
    tile.y_begin = y;
    tile.y_end = std::min(y + band, task.height);
    const bool reads = task.accumulate || y > 0;
    tile.start = kZeros;
    tile.start_row = reads ? kChannelBlock : 0;
    tile.start_step = reads ? channels.vector_step : 0;
    int row = 0;
    FilterRows filter_rows(task);
    for (int t = 0; t < tiles; ++t) {
      const int count = (rows - row) / (tiles - t);
      filter_rows.Take(count, offsets.data());
      tile.gradient = task.gradient + channels.weights + row * kChannelBlock;
      if (reads) tile.start = tile.gradient;
      const auto last = static_cast<std::size_t>(count - 1);
      const bool contiguous =
          !kDepthwise && offsets[last] - offsets[0] == count - 1;
      kTiles[contiguous ? 1 : 0][last](task, channels, tile);
      row += count;
    }
  }
}

template <Operands kOperands>
void WeightGradientAny(const ConvWeightTask& any) {
  const ConvWeightTask task = Upright(any);
  ForEachChannelTile(task.blocks, task.gradient_block,
                     [&](const ChannelTile& channels, auto vectors) HWY_ATTR {
                       WeightGradientRows<kOperands, decltype(vectors)::value>(
                           task, channels,
                           std::make_index_sequence<kTileRows>());
                     });
}

void WeightGradient(const ConvWeightTask& task) {
  WeightGradientAny<Operands::kBroadcast>(task);
}
void DepthwiseWeightGradient(const ConvWeightTask& task) {
  WeightGradientAny<Operands::kDepthwise>(task);
}
template <Operands kOperands>
void PairsWeightGradient(const ConvWeightTask& task) {
  const FlushSubnormals flush;
  WeightGradientAny<kOperands>(task);
}

}  // namespace

void AddConvWeight(Kernels& kernels) {
  kernels.conv_weight_gradient = WeightGradient;
  kernels.conv_depthwise_weight_gradient = DepthwiseWeightGradient;
  kernels.conv_pairs_weight_gradient = PairsWeightGradient<Operands::kPairs>;
#if HWY_TARGET == HWY_AVX3
  if (kernels.isa == Isa::kAvx512Bf16) {
    kernels.conv_pairs_weight_gradient =
        PairsWeightGradient<Operands::kNativePairs>;
  }
#endif
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap::kernels {

HWY_EXPORT(AddConvWeight);

void AddConvWeightKernels(std::int64_t target, Kernels& kernels) {
  FEDGAP_CALL_FOR_TARGET(target, AddConvWeight, kernels);
}

}  // namespace fedgap::kernels
#endif  // HWY_ONCE
