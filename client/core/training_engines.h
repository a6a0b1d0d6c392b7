// What training a model takes, whoever's data it is trained on.
#ifndef FEDGAP_CLIENT_CORE_TRAINING_ENGINES_H_
#define FEDGAP_CLIENT_CORE_TRAINING_ENGINES_H_

#include <cstdint>
#include <optional>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/nn/engine.h"
#include "common/nn/model.h"
#include "common/nn/precision.h"
#include "common/nn/scratch_limit.h"

namespace fedgap {

// Threads, passes and their scratch for one model. A client has its own;
// simulated clients take turns with one a worker thread. Nothing of one client
// is left for the next: parameters are loaded anew. Not thread-safe.
class TrainingEngines {
 public:
  struct Options {
    int threads = 1;  // that share each batch
    // The instruction set to use; the best that runs here if unset.
    std::optional<kernels::Isa> isa = std::nullopt;
    // That one thread may take for an image.
    std::int64_t max_scratch_bytes = ScratchLimit::kDefaultMaxBytes;
  };

  // `model` must outlive the engines.
  TrainingEngines(const Model& model, Options options)
      : model_(model),
        options_(options),
        pool_(options.threads),
        inference_(model, pool_, options.isa),
        scratch_limit_(model, ScratchLimit::Work::kMixedTraining,
                       options.max_scratch_bytes) {}

  const Model& model() const { return model_; }
  int threads() const { return options_.threads; }
  std::optional<kernels::Isa> isa() const { return options_.isa; }
  InferenceEngine& inference() { return inference_; }
  // The errors of ScratchLimit::CheckImage; an engine must not get another.
  Status CheckImage(ImageSize size) const {
    return scratch_limit_.CheckImage(size);
  }

  // Kept until another number of shards or another precision is asked for.
  GradientEngine& gradient(int shards, Precision precision) {
    if (!gradient_.has_value() || shards_ != shards ||
        precision_ != precision) {
      gradient_.emplace(
          model_, pool_,
          GradientEngine::Options{
              .shards = shards, .isa = options_.isa, .precision = precision});
      shards_ = shards;
      precision_ = precision;
    }
    return *gradient_;
  }

 private:
  const Model& model_;
  const Options options_;
  ThreadPool pool_;
  InferenceEngine inference_;
  ScratchLimit scratch_limit_;
  std::optional<GradientEngine> gradient_;
  int shards_ = 0;
  Precision precision_ = Precision::kFloat32;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_TRAINING_ENGINES_H_
