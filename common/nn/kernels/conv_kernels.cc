#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/conv_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include <algorithm>
#include <array>
#include <utility>

#include "common/nn/kernels/bfloat16-inl.h"
#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

// Register tiles: kTileVectors vectors of output channels times kTilePixels
// pixels (or, for weight gradients, kTileRows rows of weights), so that
// accumulators, one row of weights and one input fill the register file.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
constexpr std::size_t kTileVectors = 2;
constexpr int kTilePixels = 14;
constexpr int kTileRows = 12;
#elif HWY_TARGET == HWY_NEON
constexpr std::size_t kTileVectors = 4;
constexpr int kTilePixels = 6;
constexpr int kTileRows = 6;
#else
constexpr std::size_t kTileVectors = 2;
constexpr int kTilePixels = 6;
constexpr int kTileRows = 6;
#endif

// Multiply-adds in flight that two units need: of latency 4, and 6 for pairs.
constexpr int kLatencyChains = 8;
constexpr int kPairLatencyChains = 12;

// Rows of the image between two visits of the same weights in the weight
// gradient, so that both operands stay in the nearest cache.
constexpr int kWeightGradientPixels = 256;

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

// Where x86 flushes subnormals, they mask as zero: so they do everywhere.
template <Operands kOperands>
HWY_INLINE FloatVector LoadMask(const float* mask) {
  const FloatVector loaded = hn::Load(FloatTag(), mask);
  constexpr bool kFlushes =
      kOperands == Operands::kPairs || kOperands == Operands::kNativePairs;
  return kFlushes ? FlushSubnormal(loaded) : loaded;
}

template <Operands kOperands, std::size_t... kV>
HWY_INLINE void MaskVectors(const float* mask, FloatVector* sums,
                            std::index_sequence<kV...>) {
  ((sums[kV] = ReluGradient(LoadMask<kOperands>(mask + kV * kLanes), sums[kV])),
   ...);
}

template <std::size_t... kI>
HWY_INLINE void ReluVectors(FloatVector* sums, std::index_sequence<kI...>) {
  ((sums[kI] = Relu(sums[kI])), ...);
}

// What a sum starts from when that is zero, in place of a bias.
alignas(64) constexpr float kZeros[kTileVectors * kLanes] = {};

// Where a tile's first pixel stands. Its sums start from what is at `start`,
// whatever that is: one path, in which they never leave the registers.
struct PixelTile {
  const float* in;
  const float* start;
  std::ptrdiff_t start_row;
  std::ptrdiff_t start_pixel;
  std::ptrdiff_t out;
};

// A tile of sizeof...(kP) pixels: kColumns of each of one or two rows.
template <Operands kOperands, std::size_t kVectors, std::size_t kColumns,
          std::size_t... kP>
HWY_INLINE void ConvTile(const ConvTask& task, const ChannelTile& tile,
                         const PixelTile& pixels, std::index_sequence<kP...>) {
  constexpr auto kV = std::make_index_sequence<kVectors>();
  FloatVector sums[sizeof...(kP) * kVectors];
  (LoadVectors(
       pixels.start +
           static_cast<std::ptrdiff_t>(kP / kColumns) * pixels.start_row +
           static_cast<std::ptrdiff_t>(kP % kColumns) * pixels.start_pixel,
       kLanes, sums + kP * kVectors, kV),
   ...);
  const std::ptrdiff_t in_pixel = task.in_pixel;
  const std::ptrdiff_t in_row = task.in_row;
  const std::ptrdiff_t vector_step = tile.vector_step;
  for (int r = 0; r < task.run_count; ++r) {
    const ConvRun& run = task.runs[r];
    const float* x = pixels.in + run.in;
    const float* w = task.weights + tile.weights + run.weights;
    for (std::ptrdiff_t k = 0; k < run.length; ++k) {
      FloatVector weights[kVectors];
      LoadVectors(w, vector_step, weights, kV);
      (MultiplyAdd<kOperands>(
           x + static_cast<std::ptrdiff_t>(kP / kColumns) * in_row +
               static_cast<std::ptrdiff_t>(kP % kColumns) * in_pixel,
           weights, sums + kP * kVectors, kV),
       ...);
      ++x;
      w += kChannelBlock;
    }
  }
  const std::ptrdiff_t out_offsets[] = {
      pixels.out + static_cast<std::ptrdiff_t>(kP / kColumns) * task.out_row +
      static_cast<std::ptrdiff_t>(kP % kColumns) * task.out_pixel...};
  if (task.relu) {
    ReluVectors(sums, std::make_index_sequence<sizeof...(kP) * kVectors>());
  }
  if (task.mask != nullptr) {
    (MaskVectors<kOperands>(task.mask + out_offsets[kP], sums + kP * kVectors,
                            kV),
     ...);
  }
  (StoreVectors(sums + kP * kVectors, kLanes, task.out + out_offsets[kP], kV),
   ...);
}

template <Operands kOperands, std::size_t kVectors, std::size_t kRows,
          std::size_t kColumns>
HWY_NOINLINE void ConvTileOf(const ConvTask& task, const ChannelTile& tile,
                             const PixelTile& pixels) {
  ConvTile<kOperands, kVectors, kColumns>(
      task, tile, pixels, std::make_index_sequence<kRows * kColumns>());
}

// The tile at the first pixel of the map.
PixelTile FirstPixels(const ConvTask& task, const ChannelTile& tile,
                      bool depthwise) {
  PixelTile pixels{};
  pixels.in = task.in + (depthwise ? tile.channel : 0);
  pixels.out = tile.channel;
  if (task.bias != nullptr) {
    pixels.start = task.bias + tile.channel;
  } else if (task.accumulate) {
    pixels.start = task.out + tile.channel;
    pixels.start_row = task.out_row;
    pixels.start_pixel = task.out_pixel;
  } else {
    pixels.start = kZeros;
  }
  return pixels;
}

using ConvTileFunction = void (*)(const ConvTask&, const ChannelTile&,
                                  const PixelTile&);

// The tiles of kRows rows and 1, 2, ... columns.
template <Operands kOperands, std::size_t kVectors, std::size_t kRows,
          std::size_t... kC>
constexpr std::array<ConvTileFunction, sizeof...(kC)> ConvTiles(
    std::index_sequence<kC...>) {
  return {ConvTileOf<kOperands, kVectors, kRows, kC + 1>...};
}

template <Operands kOperands, std::size_t kVectors>
void ConvRows(const ConvTask& task, const ChannelTile& tile) {
  static constexpr auto kTiles = ConvTiles<kOperands, kVectors, 1>(
      std::make_index_sequence<kTilePixels>());
  static constexpr auto kTwoRowTiles = ConvTiles<kOperands, kVectors, 2>(
      std::make_index_sequence<kTilePixels / 2>());
  // Tiles of even width: a narrow last one would not hide the latency. For
  // the same reason maps that leave narrow tiles are done by two rows.
  constexpr int kHalf = kTilePixels / 2;
  const int tiles_of_row = (task.width + kTilePixels - 1) / kTilePixels;
  const int tiles_of_two = (task.width + kHalf - 1) / kHalf;
  const int chains = task.width / tiles_of_row * static_cast<int>(kVectors);
  constexpr int kChains =
      kOperands == Operands::kNativePairs ? kPairLatencyChains : kLatencyChains;
  const bool narrow = task.width <= kHalf || chains < kChains;
  const PixelTile first =
      FirstPixels(task, tile, kOperands == Operands::kDepthwise);
  for (int y = 0; y < task.height;) {
    const int rows = narrow && y + 2 <= task.height ? 2 : 1;
    const int tiles = rows == 2 ? tiles_of_two : tiles_of_row;
    int x = 0;
    for (int t = 0; t < tiles; ++t) {
      const int columns = (task.width - x) / (tiles - t);
      PixelTile pixels = first;
      pixels.in += y * task.in_row + x * task.in_pixel;
      pixels.start += y * first.start_row + x * first.start_pixel;
      pixels.out += y * task.out_row + x * task.out_pixel;
      const auto index = static_cast<std::size_t>(columns - 1);
      (rows == 2 ? kTwoRowTiles[index] : kTiles[index])(task, tile, pixels);
      x += columns;
    }
    y += rows;
  }
}

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

template <Operands kOperands>
void ConvAny(const ConvTask& any) {
  const ConvTask task = Upright(any);
  ForEachChannelTile(task.blocks, task.weights_block,
                     [&](const ChannelTile& tile, auto vectors) HWY_ATTR {
                       ConvRows<kOperands, decltype(vectors)::value>(task,
                                                                     tile);
                     });
}

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
  for (int y = tile.y_begin; y < tile.y_end; ++y) {
    const float* x = tile.in + y * task.in_row;
    const float* d = task.out_gradient + y * task.out_row + channels.channel;
    for (int i = 0; i < task.width; ++i) {
      FloatVector gradients[kVectors];
      LoadVectors(d, kLanes, gradients, kV);
      if constexpr (kContiguous) {
        (MultiplyAdd<kOperands>(x + offsets[0] + kR, gradients,
                                sums + kR * kVectors, kV),
         ...);
      } else {
        (MultiplyAdd<kOperands>(x + offsets[kR], gradients,
                                sums + kR * kVectors, kV),
         ...);
      }
      x += task.in_pixel;
      d += task.out_pixel;
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

void Conv(const ConvTask& task) { ConvAny<Operands::kBroadcast>(task); }
void ConvDepthwise(const ConvTask& task) {
  ConvAny<Operands::kDepthwise>(task);
}
void ConvWeightGradient(const ConvWeightTask& task) {
  WeightGradientAny<Operands::kBroadcast>(task);
}
void ConvDepthwiseWeightGradient(const ConvWeightTask& task) {
  WeightGradientAny<Operands::kDepthwise>(task);
}
template <Operands kOperands>
void ConvPairs(const ConvTask& task) {
  const FlushSubnormals flush;
  ConvAny<kOperands>(task);
}
template <Operands kOperands>
void ConvPairsWeightGradient(const ConvWeightTask& task) {
  const FlushSubnormals flush;
  WeightGradientAny<kOperands>(task);
}

template <std::size_t... kI>
HWY_INLINE void PeakLoop(std::int64_t steps, float* sink,
                         std::index_sequence<kI...>) {
  const FloatTag d;
  FloatVector sums[] = {hn::Set(d, static_cast<float>(kI))...};
  FloatVector x = hn::Set(d, 0.5f);
  const FloatVector w = hn::Set(d, 1.0f);
  for (std::int64_t step = 0; step < steps; ++step) {
    ((sums[kI] = hn::MulAdd(sums[kI], x, w)), ...);
  }
  ((x = hn::Add(x, sums[kI])), ...);
  *sink = hn::GetLane(x);
}

std::int64_t Peak(std::int64_t steps, float* sink) {
  // Enough chains for two multiply-adds a cycle of latency 4 or 5.
  constexpr std::size_t kChains = 12;
  PeakLoop(steps, sink, std::make_index_sequence<kChains>());
  return steps * static_cast<std::int64_t>(2 * kChains * kLanes);
}

}  // namespace

void AddConv(Kernels& kernels) {
  kernels.conv = Conv;
  kernels.conv_depthwise = ConvDepthwise;
  kernels.conv_weight_gradient = ConvWeightGradient;
  kernels.conv_depthwise_weight_gradient = ConvDepthwiseWeightGradient;
  kernels.conv_pairs = ConvPairs<Operands::kPairs>;
  kernels.conv_pairs_weight_gradient =
      ConvPairsWeightGradient<Operands::kPairs>;
#if HWY_TARGET == HWY_AVX3
  if (kernels.isa == Isa::kAvx512Bf16) {
    kernels.conv_pairs = ConvPairs<Operands::kNativePairs>;
    kernels.conv_pairs_weight_gradient =
        ConvPairsWeightGradient<Operands::kNativePairs>;
  }
#endif
  kernels.peak = Peak;
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap::kernels {

HWY_EXPORT(AddConv);

void AddConvKernels(std::int64_t target, Kernels& kernels) {
  FEDGAP_CALL_FOR_TARGET(target, AddConv, kernels);
}

}  // namespace fedgap::kernels
#endif  // HWY_ONCE
