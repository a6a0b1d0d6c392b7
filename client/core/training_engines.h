// What training a model takes, whoever's data it is trained on.
#ifndef FEDGAP_CLIENT_CORE_TRAINING_ENGINES_H_
#define FEDGAP_CLIENT_CORE_TRAINING_ENGINES_H_

#include <optional>

#include "common/base/thread_pool.h"
#include "common/nn/engine.h"
#include "common/nn/model.h"

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
  };

  // `model` must outlive the engines.
  TrainingEngines(const Model& model, Options options)
      : model_(model),
        options_(options),
        pool_(options.threads),
        inference_(model, pool_, options.isa) {}

  const Model& model() const { return model_; }
  int threads() const { return options_.threads; }
  std::optional<kernels::Isa> isa() const { return options_.isa; }
  InferenceEngine& inference() { return inference_; }

  // Kept until another number of shards is asked for.
  GradientEngine& gradient(int shards) {
    if (!gradient_.has_value() || shards_ != shards) {
      gradient_.emplace(
          model_, pool_,
          GradientEngine::Options{.shards = shards, .isa = options_.isa});
      shards_ = shards;
    }
    return *gradient_;
  }

 private:
  const Model& model_;
  const Options options_;
  ThreadPool pool_;
  InferenceEngine inference_;
  std::optional<GradientEngine> gradient_;
  int shards_ = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_CLIENT_CORE_TRAINING_ENGINES_H_
