// What a profiler hears from an engine while it runs.
#ifndef FEDGAP_COMMON_NN_ENGINE_OBSERVER_H_
#define FEDGAP_COMMON_NN_ENGINE_OBSERVER_H_

#include "common/nn/model.h"

namespace fedgap {

// The pieces that an engine's time is made of. A layer's backward pass is one
// kInputGradient, but for convolutions and linear layers, whose other gradients
// are computed, and told, apart.
enum class EnginePhase {
  kPackWeights,     // of all layers, once a batch
  kLoadImage,       // with the layout of the scratch if its size is new
  kForward,         // with what is fused behind the layer
  kLoss,            // with its gradient
  kBiasGradient,    // conv2d, linear
  kWeightGradient,  // conv2d, linear
  kInputGradient,
  kCollectGradient,  // adds the shards, once a batch
};

// Called by the engine's threads, so thread-safe unless the pool has one
// thread. It must outlive the engine.
class EngineObserver {
 public:
  virtual ~EngineObserver() = default;

  // A phase has ended; whatever came since the last call was it. `node` is the
  // model's, null where the phase belongs to no layer.
  virtual void OnPhaseEnd(EnginePhase phase, const Node* node) = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_ENGINE_OBSERVER_H_
