#include "common/nn/scratch_limit.h"

#include <fmt/format.h>

#include "common/nn/execution_plan.h"
#include "common/nn/workspace.h"

namespace fedgap {
namespace {

// Rounded up, so that what is too much never reads like the limit.
std::int64_t MiB(std::int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20; }

}  // namespace

ScratchLimit::ScratchLimit(const Model& model, Work work,
                           std::int64_t max_bytes)
    : plan_(std::make_unique<ExecutionPlan>(model, work == Work::kMixedTraining
                                                       ? Precision::kBfloat16
                                                       : Precision::kFloat32)),
      work_(work),
      max_bytes_(max_bytes) {}

ScratchLimit::~ScratchLimit() = default;

std::int64_t ScratchLimit::BytesFor(ImageSize size) const {
  return static_cast<std::int64_t>(
      Workspace::BytesFor(*plan_, work_ != Work::kInference, size));
}

Status ScratchLimit::CheckImage(ImageSize size) const {
  const Model& model = plan_->model();
  FEDGAP_RETURN_IF_ERROR(model.CheckImage(size));
  const std::int64_t bytes = BytesFor(size);
  if (bytes <= max_bytes_) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "an image of {} is too large for model '{}': {} takes {} MiB of memory a "
      "thread, and the limit is {} MiB; bring it to a smaller size",
      size.ToString(), model.spec().name,
      work_ == Work::kInference ? "evaluation" : "training", MiB(bytes),
      MiB(max_bytes_)));
}

}  // namespace fedgap
