// Which images are too large for a model, by the memory that they take.
#ifndef FEDGAP_COMMON_NN_SCRATCH_LIMIT_H_
#define FEDGAP_COMMON_NN_SCRATCH_LIMIT_H_

#include <cstdint>
#include <memory>

#include "common/base/status.h"
#include "common/nn/model.h"
#include "common/tensor/image_view.h"

namespace fedgap {

class ExecutionPlan;

// An engine keeps every layer's output for the image that a thread works on,
// and in training their gradients too: for 1000x1000 pixels 0.36 GB with
// gap-cnn-gn, 1.35 with gap-resnet8. Check an image before an engine gets
// it; one that does not fit ends the process. Immutable and thread-safe.
class ScratchLimit {
 public:
  // Mixed precision (Precision::kBfloat16) takes more than training in float32;
  // who does not know yet what it will be asked for counts with that.
  enum class Work { kTraining, kMixedTraining, kInference };

  static constexpr std::int64_t kDefaultMaxBytes = std::int64_t{2} << 30;

  // `model` must outlive it. `max_bytes` is what one thread may take.
  ScratchLimit(const Model& model, Work work,
               std::int64_t max_bytes = kDefaultMaxBytes);
  ~ScratchLimit();
  ScratchLimit(const ScratchLimit&) = delete;
  ScratchLimit& operator=(const ScratchLimit&) = delete;

  // What a thread's maps take for an image that passes model.CheckImage: what
  // an engine allocates, without allocating it. The packed weights, which do
  // not depend on the image, are not counted.
  std::int64_t BytesFor(ImageSize size) const;

  // INVALID_ARGUMENT for what model.CheckImage refuses, and for an image that
  // takes more than `max_bytes`, saying how much.
  Status CheckImage(ImageSize size) const;

 private:
  const std::unique_ptr<const ExecutionPlan> plan_;
  const Work work_;
  const std::int64_t max_bytes_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_SCRATCH_LIMIT_H_
