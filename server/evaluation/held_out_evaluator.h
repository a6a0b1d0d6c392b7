// Evaluates global models on the server's held-out images.
#ifndef FEDGAP_SERVER_EVALUATION_HELD_OUT_EVALUATOR_H_
#define FEDGAP_SERVER_EVALUATION_HELD_OUT_EVALUATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/data/image_dataset.h"
#include "common/federation/resolution_groups.h"
#include "common/nn/engine.h"
#include "common/nn/model.h"
#include "common/nn/scratch_limit.h"
#include "server/core/evaluator.h"

namespace fedgap {

// Each configured size has its own resized copy of the images, made once and
// held as bytes (10,000 images of 40x40 are 16 MB). Every result is a sum of
// integers, the same for any number of threads and on every machine.
class HeldOutEvaluator final : public Evaluator {
 public:
  struct Options {
    // Empty: each image at its own size, one entry per resolution group.
    std::vector<ImageSize> sizes = {};
    ResolutionGroups groups = {};
    // The rival of a network that takes every size: each image is brought from
    // its size to this one before the model sees it; it is still counted under
    // its own.
    std::optional<ImageSize> resize = std::nullopt;
    // > 0: a subset of so many, drawn by `seed`, the same in every round.
    int max_samples = 0;
    std::uint64_t seed = 0;
    int threads = 0;  // 0: one per core
    // That one thread may take for an image.
    std::int64_t max_scratch_bytes = ScratchLimit::kDefaultMaxBytes;
  };

  // `model` must outlive the evaluator. INVALID_ARGUMENT if the images have
  // other channels or more classes than the model, or a size is too small for
  // it or takes too much memory (the message says which and what would do).
  static StatusOr<std::unique_ptr<HeldOutEvaluator>> Create(
      const Model& model, std::shared_ptr<const ImageDataset> data,
      const Options& options);

  // Prototypes of other channels or classes than the model's are passed over.
  StatusOr<ServerEvaluation> Evaluate(std::span<const float> parameters,
                                      const Prototypes& prototypes) override;

 private:
  // The images at one size, and the entry of the result that each belongs to.
  struct Set {
    std::shared_ptr<const ImageDataset> images;
    std::vector<int> entries;  // one an image
  };

  HeldOutEvaluator(const Model& model, const Options& options);

  // `images` as the model gets them, `entries` by their size before.
  Status AddSet(std::shared_ptr<const ImageDataset> images,
                std::vector<int> entries);
  Status AddResized(const ImageDataset& data, ImageSize size);
  Status AddNative(std::shared_ptr<const ImageDataset> data);
  int AddEntry(std::string size, int group);
  void EvaluateSet(const Set& set, const Prototypes* prototypes,
                   std::vector<ServerEvaluation::Size>& entries);
  // Normalised, in pixels_.
  std::vector<ImageView> ReadChunk(const ImageDataset& images,
                                   std::int64_t begin, std::int64_t end);
  // Images [begin, end) of the set, one pass of the engine.
  void EvaluateChunk(const Set& set, std::int64_t begin, std::int64_t end,
                     const Prototypes* prototypes,
                     std::vector<ServerEvaluation::Size>& entries);

  const Model& model_;
  const ResolutionGroups groups_;
  const std::optional<ImageSize> resize_;
  ThreadPool pool_;
  InferenceEngine engine_;
  const ScratchLimit scratch_limit_;
  std::vector<Set> sets_;
  // The result without sums.
  std::vector<ServerEvaluation::Size> empty_entries_;
  // Scratch of one chunk.
  Parameters pixels_;
  std::vector<float> logits_;
  std::vector<float> pooled_;
};

// The class whose held prototype is nearest to `pooled` (Euclidean; the first
// of ties), or -1 if none is held (Snell et al., "Prototypical networks for
// few-shot learning", 2017, equation 2).
int NearestPrototype(const Prototypes& prototypes,
                     std::span<const float> pooled);

}  // namespace fedgap

#endif  // FEDGAP_SERVER_EVALUATION_HELD_OUT_EVALUATOR_H_
