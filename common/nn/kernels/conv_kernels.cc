#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/conv_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include <array>
#include <utility>

#include "common/nn/kernels/conv_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

// Multiply-adds in flight that two units need: of latency 4, and 6 for pairs.
constexpr int kLatencyChains = 8;
constexpr int kPairLatencyChains = 12;

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

// Where a tile's first pixel stands. Its sums start from what is at `start`,
// whatever that is: one path, in which they never leave the registers.
struct PixelTile {
  const float* in;
  const float* start;
  std::ptrdiff_t start_row;
  std::ptrdiff_t start_pixel;
  std::ptrdiff_t out;
};

// The inputs of a tile's pixels, kColumns a row: a pointer to every kReach of
// them. With fourteen distances from one pointer g++ keeps some on the stack,
// and reloads them in the innermost loop: a fifth more time; six fit.
template <std::size_t kRows, std::size_t kColumns>
class TileInputs {
 public:
  static constexpr std::size_t kReach = 7;
  static constexpr std::size_t kPointersOfRow =
      (kColumns + kReach - 1) / kReach;
  static constexpr auto kAll =
      std::make_index_sequence<kRows * kPointersOfRow>();

  HWY_INLINE TileInputs(const ConvTask& task, const float* first)
      : TileInputs(task, first, kAll) {}

  template <std::size_t kPixel>
  HWY_INLINE const float* Of() const {
    constexpr std::size_t kColumn = kPixel % kColumns;
    return pointers_[kPixel / kColumns * kPointersOfRow + kColumn / kReach] +
           static_cast<std::ptrdiff_t>(kColumn % kReach) * pixel_;
  }
  HWY_INLINE void Next() { Next(kAll); }

 private:
  template <std::size_t... kI>
  HWY_INLINE TileInputs(const ConvTask& task, const float* first,
                        std::index_sequence<kI...>)
      : pixel_(task.in_pixel),
        pointers_{first +
                  static_cast<std::ptrdiff_t>(kI / kPointersOfRow) *
                      task.in_row +
                  static_cast<std::ptrdiff_t>(kI % kPointersOfRow * kReach) *
                      task.in_pixel...} {}

  template <std::size_t... kI>
  HWY_INLINE void Next(std::index_sequence<kI...>) {
    (++pointers_[kI], ...);
  }

  std::ptrdiff_t pixel_;
  const float* pointers_[kRows * kPointersOfRow];
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
  const std::ptrdiff_t vector_step = tile.vector_step;
  for (int r = 0; r < task.run_count; ++r) {
    const ConvRun& run = task.runs[r];
    TileInputs<sizeof...(kP) / kColumns, kColumns> x(task, pixels.in + run.in);
    const float* w = task.weights + tile.weights + run.weights;
    for (std::ptrdiff_t k = 0; k < run.length; ++k) {
      FloatVector weights[kVectors];
      LoadVectors(w, vector_step, weights, kV);
      (MultiplyAdd<kOperands>(x.template Of<kP>(), weights,
                              sums + kP * kVectors, kV),
       ...);
      x.Next();
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

template <Operands kOperands>
void ConvAny(const ConvTask& any) {
  const ConvTask task = Upright(any);
  ForEachChannelTile(task.blocks, task.weights_block,
                     [&](const ChannelTile& tile, auto vectors) HWY_ATTR {
                       ConvRows<kOperands, decltype(vectors)::value>(task,
                                                                     tile);
                     });
}

void Conv(const ConvTask& task) { ConvAny<Operands::kBroadcast>(task); }
void ConvDepthwise(const ConvTask& task) {
  ConvAny<Operands::kDepthwise>(task);
}
template <Operands kOperands>
void ConvPairs(const ConvTask& task) {
  const FlushSubnormals flush;
  ConvAny<kOperands>(task);
}

}  // namespace

void AddConv(Kernels& kernels) {
  kernels.conv = Conv;
  kernels.conv_depthwise = ConvDepthwise;
  kernels.conv_pairs = ConvPairs<Operands::kPairs>;
#if HWY_TARGET == HWY_AVX3
  if (kernels.isa == Isa::kAvx512Bf16) {
    kernels.conv_pairs = ConvPairs<Operands::kNativePairs>;
  }
#endif
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
