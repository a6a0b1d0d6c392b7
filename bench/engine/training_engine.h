// An opponent, or fedgap's own engine, as a process that trains on request.
#ifndef FEDGAP_BENCH_ENGINE_TRAINING_ENGINE_H_
#define FEDGAP_BENCH_ENGINE_TRAINING_ENGINE_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "bench/engine/workload.h"

namespace fedgap::bench {

// Trains a workload's model from its initial parameters.
class TrainingEngine {
 public:
  // Momentum of the SGD; no weight decay.
  static constexpr float kMomentum = 0.9f;

  virtual ~TrainingEngine() = default;

  // One training step; returns the mean loss of the batch before it. A batch
  // may mix sizes.
  virtual double Step(std::span<const Example> batch, float learning_rate) = 0;

  // The logits of a batch with the present parameters, thrown away, and no
  // gradients; false if the engine has no such path.
  virtual bool Evaluate(std::span<const Example> /*batch*/) { return false; }
};

// Makes an engine for a workload that outlives it; UNIMPLEMENTED if it cannot
// train such a model. `options` is the load request.
using TrainingEngineFactory = StatusOr<std::unique_ptr<TrainingEngine>> (*)(
    const Workload& workload, const nlohmann::json& options);

// Of the sizes that shrink from `largest` on (new_sizes, below).
ImageSize SmallestNewSize(ImageSize largest);

// Answers requests, one JSON object a line from the standard input, with one a
// line on the standard output, until the input ends; returns main's value. A
// reply with "error" says why a request failed. Requests by "do":
//   load       a workload, "cpu_time", and what the engine wants to know
//   train      steps for "seconds" -> seconds, first (the index of the first
//              batch), steps; the next call goes on with the next batch
//   evaluate   the same without gradients
//   losses     of "steps" steps from the initial parameters with
//              "learning_rate" -> losses
//   new_sizes  trains on batches of four images of sizes that shrink from
//              "height" x "width", each new to the process, for "seconds" ->
//              milliseconds that a first step takes beyond a second one, the
//              median; null where there was time for fewer than three
//   memory     -> rss_mb, the largest since "load"
int ServeRequests(TrainingEngineFactory make);

// Mean of -log softmax(logits)[label] over rows of `classes` logits; the
// logits are replaced by the gradient. For opponents without a loss.
double SoftmaxLoss(std::span<float> logits, int classes,
                   std::span<const Example> batch);

// parameters -= learning_rate (velocity = momentum velocity + gradient). For
// opponents without an optimiser.
void SgdStep(float learning_rate, std::span<const float> gradient,
             std::span<float> velocity, std::span<float> parameters);

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_ENGINE_TRAINING_ENGINE_H_
