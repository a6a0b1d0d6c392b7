// The forward and the backward pass of one image. Used by the engines only.
#ifndef FEDGAP_COMMON_NN_GRAPH_PASSES_H_
#define FEDGAP_COMMON_NN_GRAPH_PASSES_H_

#include <span>

#include "common/nn/engine_observer.h"
#include "common/nn/execution_plan.h"
#include "common/nn/kernels/kernels.h"
#include "common/nn/workspace.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// What the passes of all images share. Borrows.
struct GraphPasses {
  const ExecutionPlan& plan;
  const kernels::Kernels& kernels;
  std::span<const float> packed;
  EngineObserver* observer = nullptr;
};

// Computes every value of the plan for an image that the model accepts.
void RunForward(const GraphPasses& passes, const ImageView& image,
                Workspace& workspace);

// From the gradient of the last value (the logits), which must stand in the
// workspace, adds the gradient of every parameter to the packed `gradient`, or,
// without `accumulate`, replaces what is there.
void RunBackward(const GraphPasses& passes, Workspace& workspace,
                 bool accumulate, std::span<float> gradient);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_GRAPH_PASSES_H_
