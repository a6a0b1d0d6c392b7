// Forward and backward passes of a Model over batches of images of any sizes.
//
// The results are a function of (model, parameters, batch, shards): the same
// bits for any number of threads and on every CPU with fused multiply-add
// (AVX2, AVX-512, NEON).
#ifndef FEDGAP_COMMON_NN_ENGINE_H_
#define FEDGAP_COMMON_NN_ENGINE_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "common/base/thread_pool.h"
#include "common/nn/batch_metrics.h"
#include "common/nn/engine_observer.h"
#include "common/nn/kernels/isa.h"
#include "common/nn/model.h"
#include "common/nn/precision.h"
#include "common/tensor/image_view.h"

namespace fedgap {

struct Example {
  ImageView image;  // channels == model.spec().input_channels
  int label = 0;    // in [0, classes)
};

// Softmax cross-entropy and its gradient for one batch after another. Scratch
// is kept between calls and sized by the largest image seen; nothing is kept
// per image size. Not thread-safe; one a trainer.
class GradientEngine {
 public:
  struct Options {
    // The batch is cut into this many gradient shards (example j goes to shard
    // j mod shards), each summed in order, the shards added in a fixed binary
    // tree. More shards let more threads share a batch and change the bits.
    int shards = 4;
    // The instruction set to use; the best that runs here if unset.
    std::optional<kernels::Isa> isa = std::nullopt;
    // Changes the bits; which they are does not hang on the CPU. With
    // AVX512_BF16 it is faster, elsewhere no faster than float32.
    Precision precision = Precision::kFloat32;
    // Hears of every phase. Results do not depend on it, nor does speed where
    // there is none.
    EngineObserver* observer = nullptr;
  };

  // `model` and `pool` must outlive the engine.
  GradientEngine(const Model& model, ThreadPool& pool, Options options);
  ~GradientEngine();
  GradientEngine(const GradientEngine&) = delete;
  GradientEngine& operator=(const GradientEngine&) = delete;

  // gradient = d/d parameters of the mean loss over the batch. Every image
  // must pass model.CheckImage, every label be in range, `parameters` and
  // `gradient` have layout().elements() floats; the batch is not empty.
  BatchMetrics Compute(std::span<const float> parameters,
                       std::span<const Example> batch,
                       std::span<float> gradient);

  // Bytes of scratch held now.
  std::size_t scratch_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Forward passes without gradients. Not thread-safe; parameters may change
// between calls but are packed anew at each Load.
class InferenceEngine {
 public:
  // `model` and `pool` must outlive the engine. `isa` as in GradientEngine.
  InferenceEngine(const Model& model, ThreadPool& pool,
                  std::optional<kernels::Isa> isa = std::nullopt);
  ~InferenceEngine();
  InferenceEngine(const InferenceEngine&) = delete;
  InferenceEngine& operator=(const InferenceEngine&) = delete;

  // Takes the parameters for the Runs to come (copied).
  void Load(std::span<const float> parameters);

  // Writes each image's logits [count, classes] and pooled vectors [count,
  // pooled_channels]; either span may be empty if it is not wanted. Each row
  // depends on its image alone.
  void Run(std::span<const ImageView> images, std::span<float> logits,
           std::span<float> pooled);

  // Bytes of scratch held now.
  std::size_t scratch_bytes() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Softmax cross-entropy of one row of logits [classes], as counted above:
// {1, correct, rint(loss * 2^20)}. `label` in [0, classes).
BatchMetrics ScoreLogits(std::span<const float> logits, int label);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_ENGINE_H_
