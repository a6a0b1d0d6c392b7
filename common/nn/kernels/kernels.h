// The kernels of one instruction set, as a table of functions over plain
// structs. The naive twin of each stands in naive.h
// (those of bfloat16 in the test: naive ones of rounded numbers; what a pass
// fuses has the twins of its parts).
//
// All of them are pure functions of their arguments, thread-safe, and allocate
// nothing. Maps are padded unless said otherwise (feature_map.h). Vectors run
// over channels only, so that each result is one chain of operations whose
// order does not depend on the vector width.
#ifndef FEDGAP_COMMON_NN_KERNELS_KERNELS_H_
#define FEDGAP_COMMON_NN_KERNELS_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "common/nn/kernels/feature_map.h"
#include "common/nn/kernels/isa.h"

namespace fedgap::kernels {

// A contiguous stretch of the sum that makes an output: `length` products of
// neighbouring inputs and neighbouring rows of kChannelBlock weights.
struct ConvRun {
  std::ptrdiff_t in = 0;       // floats from the output's base input
  std::ptrdiff_t weights = 0;  // floats from the block's first weight
  std::ptrdiff_t length = 0;
};

// out(y, x, 16 b + l) = init + sum over runs, in order, of
//   in[y in_row + x in_pixel + run.in + k]
//     * weights[b weights_block + run.weights + 16 k + l].
// The depthwise form multiplies lane by lane: it reads
//   in[... + run.in + 16 b + l], and a run has length 1.
// Used for the forward pass and, with flipped weights, for input gradients.
struct ConvTask {
  int height = 0;  // outputs
  int width = 0;
  const float* in = nullptr;
  std::ptrdiff_t in_row = 0;
  std::ptrdiff_t in_pixel = 0;
  float* out = nullptr;
  std::ptrdiff_t out_row = 0;
  std::ptrdiff_t out_pixel = 0;
  const ConvRun* runs = nullptr;
  int run_count = 0;
  int blocks = 0;
  const float* weights = nullptr;  // 64-byte aligned
  std::ptrdiff_t weights_block = 0;
  // The sum starts from bias[16 blocks], or, with `accumulate`, from what
  // stands in `out`, or from zero.
  const float* bias = nullptr;
  bool accumulate = false;
  // Then: negative results become zero.
  bool relu = false;
  // Then: zero where `mask`, laid out as `out`, is not positive.
  const float* mask = nullptr;
};

// gradient[b block + 16 k + l] (+)= sum over outputs (y, x) in row order of
//   in[y in_row + x in_pixel + taps[k / in_count] + k % in_count]
//     * out_gradient[y out_row + x out_pixel + 16 b + l].
// The depthwise form has in_count 1 and reads in[... + 16 b + l]. There is at
// least one output.
struct ConvWeightTask {
  int height = 0;
  int width = 0;
  const float* in = nullptr;
  std::ptrdiff_t in_row = 0;
  std::ptrdiff_t in_pixel = 0;
  const float* out_gradient = nullptr;
  std::ptrdiff_t out_row = 0;
  std::ptrdiff_t out_pixel = 0;
  const std::ptrdiff_t* taps = nullptr;
  int tap_count = 0;
  int in_count = 0;
  int blocks = 0;
  float* gradient = nullptr;  // 64-byte aligned
  std::ptrdiff_t gradient_block = 0;
  // Otherwise what stands in `gradient` is not read: the sum starts from zero.
  bool accumulate = true;
};

// Windows of a pooling layer; those that hang over the edge see only the
// pixels inside.
struct PoolWindow {
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_y = 1;
  int stride_x = 1;
  int padding_y = 0;
  int padding_x = 0;

  bool is_square_of(int size) const {
    return kernel_height == size && kernel_width == size;
  }
  // Whether no two windows overlap and each is whole: together they cover the
  // top left part of the image.
  bool tiles() const {
    return kernel_height == stride_y && kernel_width == stride_x &&
           padding_y == 0 && padding_x == 0;
  }
};

// What a group norm's passes need of each channel, [padded channels] each.
struct NormChannels {
  const float* mean = nullptr;
  // y = x a + b.
  const float* a = nullptr;
  const float* b = nullptr;
};

// The winners of a max pool behind a norm; null where nothing is kept.
struct NormWinners {
  FeatureMap inputs;               // of the norm, pooled and padded
  std::int32_t* places = nullptr;  // laid out as those of Kernels::max_pool
};

struct NormPool {
  PoolWindow window;  // tiles()
  NormWinners winners;
};

// A norm's input gradient where a max pool stands behind it: in_gradient (+)=
// slope x + offset, and a d more at the winners, with d = out_gradient (zero
// where relu and x a + b <= 0).
struct NormPoolGradientTask {
  FeatureMap in;
  FeatureMap out_gradient;  // pooled
  NormChannels norm;
  bool relu = false;
  const float* slope = nullptr;  // [padded channels], as `offset`
  const float* offset = nullptr;
  NormPool pool;
  bool accumulate = false;
  FeatureMap in_gradient;
};

struct SgdTask {
  std::ptrdiff_t elements = 0;
  const float* gradient = nullptr;
  float* velocity = nullptr;
  float* parameters = nullptr;
  float learning_rate = 0;
  float momentum = 0;
  float weight_decay = 0;
  bool nesterov = false;
};

struct Kernels {
  Isa isa = Isa::kScalar;

  void (*conv)(const ConvTask& task);
  void (*conv_depthwise)(const ConvTask& task);
  void (*conv_weight_gradient)(const ConvWeightTask& task);
  void (*conv_depthwise_weight_gradient)(const ConvWeightTask& task);

  // The same (none depthwise) with each float of `in`, `weights` and
  // `out_gradient` a pair of bfloat16 (bfloat16.h): the sum of an output takes
  // a pair's first product, then its second. What a task counts are pairs.
  void (*conv_pairs)(const ConvTask& task);
  void (*conv_pairs_weight_gradient)(const ConvWeightTask& task);

  // Of a padded map with its border: to[p, 8 b + i] is the pair of channels
  // from[p, 16 b + i] and from[p, 16 b + 8 + i], zero for lanes that are none.
  void (*channel_pairs)(std::ptrdiff_t pixels, int channels, const float* from,
                        float* to);
  // to[i] is the pair of from[i] and from[i + step], or zero beyond `count`.
  void (*row_pairs)(std::ptrdiff_t count, std::ptrdiff_t step,
                    const float* from, float* to);

  // out = in < 0 ? 0 : in (NaN stays NaN). `out` may be `in`.
  void (*relu)(const FeatureMap& in, const FeatureMap& out);
  // in_gradient (+)= y <= 0 ? 0 : out_gradient; y is relu's output (or its
  // input). in_gradient may be out_gradient when not accumulating.
  void (*relu_gradient)(const FeatureMap& y, const FeatureMap& out_gradient,
                        bool accumulate, const FeatureMap& in_gradient);
  // out = a + b, then relu if asked.
  void (*add)(const FeatureMap& a, const FeatureMap& b, bool relu,
              const FeatureMap& out);
  // to (+)= from.
  void (*copy)(const FeatureMap& from, bool accumulate, const FeatureMap& to);

  // out gets the largest value of each window and winners, [out.height,
  // out.width, out.pixel_stride] without gaps, its place ky * kernel_width +
  // kx; the first of equals wins. A NaN wins only if it comes first. No winners
  // are kept where `winners` is null.
  void (*max_pool)(const PoolWindow& window, const FeatureMap& in,
                   const FeatureMap& out, std::int32_t* winners);
  // in_gradient (+)= out_gradient at the winners; with `relu_output`, the
  // pool's output, only where that is positive.
  void (*max_pool_gradient)(const PoolWindow& window,
                            const FeatureMap& out_gradient,
                            const std::int32_t* winners,
                            const FeatureMap* relu_output, bool accumulate,
                            const FeatureMap& in_gradient);
  // Mean over the pixels of each window that lie inside the image.
  void (*avg_pool)(const PoolWindow& window, const FeatureMap& in,
                   const FeatureMap& out);
  void (*avg_pool_gradient)(const PoolWindow& window,
                            const FeatureMap& out_gradient, bool accumulate,
                            const FeatureMap& in_gradient);

  // sums[c] (+)= sum over pixels: four interleaved chains a row (pixel x in
  // chain x mod 4), added as (0 + 2) + (1 + 3), rows added in order.
  void (*channel_sums)(const FeatureMap& map, bool accumulate, float* sums);
  // sums[c] = sum of (x - mean[c])^2, in the same order.
  void (*channel_squares)(const FeatureMap& map, const float* mean,
                          float* sums);
  // out = x a + b, then relu if asked.
  void (*channel_affine)(const FeatureMap& in, const NormChannels& norm,
                         bool relu, const FeatureMap& out);
  // With d = out_gradient (zero where relu and x a + b <= 0):
  // gradient_sums[c] = sum of d, product_sums[c] = sum of d (x - mean[c]).
  void (*norm_gradient_sums)(const FeatureMap& in,
                             const FeatureMap& out_gradient,
                             const NormChannels& norm, bool relu,
                             float* gradient_sums, float* product_sums);
  // in_gradient (+)= a d + (slope x + offset).
  void (*norm_gradient)(const FeatureMap& in, const FeatureMap& out_gradient,
                        const NormChannels& norm, bool relu, const float* slope,
                        const float* offset, bool accumulate,
                        const FeatureMap& in_gradient);
  // channel_affine and max_pool in one pass: the same values but for the sign
  // of a zero. `pool` gets the winners, unless they are null: those of x a + b,
  // with relu as well; where that makes a whole window zero, no gradient
  // passes.
  void (*norm_max_pool)(const FeatureMap& in, const NormChannels& norm,
                        bool relu, const NormPool& pool, const FeatureMap& out);
  // max_pool_gradient and norm_gradient in one pass. norm_gradient_sums of the
  // winners' inputs and out_gradient gives the sums: over the pooled map, in
  // its order.
  void (*norm_max_pool_gradient)(const NormPoolGradientTask& task);
  // map(y, x, c) (+)= values[c]; with `mask`, a map of the same shape, only
  // where that is positive (zero, or unchanged, elsewhere).
  void (*broadcast)(const float* values, const FeatureMap* mask,
                    bool accumulate, const FeatureMap& map);

  // y[i] = e^x[i] within 1.5 ULP; 0 below -103.9, +infinity above 88.73.
  void (*exp)(std::ptrdiff_t count, const float* x, float* y);
  void (*sgd)(const SgdTask& task);
  // to[i] += from[i].
  void (*add_vectors)(std::ptrdiff_t count, const float* from, float* to);

  // Runs about `steps` rounds of independent fused multiply-adds from
  // registers and returns how many floating-point operations that were; the
  // result, so that it is not optimised away, goes to `sink`.
  std::int64_t (*peak)(std::int64_t steps, float* sink);
};

// The table of an instruction set that SupportedIsas lists; it lives forever.
const Kernels& KernelsFor(Isa isa);
const Kernels& BestKernels();

}  // namespace fedgap::kernels

#endif  // FEDGAP_COMMON_NN_KERNELS_KERNELS_H_
