// What every engine trains: the same model, initial parameters and images.
#ifndef FEDGAP_BENCH_ENGINE_WORKLOAD_H_
#define FEDGAP_BENCH_ENGINE_WORKLOAD_H_

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/nn/engine.h"
#include "common/nn/model.h"
#include "common/tensor/parameters.h"

namespace fedgap::bench {

// A built-in model with ten classes: gap-cnn-m takes three channels, the others
// one. A name that ends in .json is the file of a model spec of ten classes.
// NOT_FOUND for an unknown name, what ParseModelSpec says of a bad file.
StatusOr<std::unique_ptr<const Model>> BenchModel(const std::string& name);

// Examples are taken in batches of `batch`, in order, again from the first
// after the last; the number of examples is a multiple of the batch. Pixels
// are random: image i starts at float (i mod 64) * 7 * channels of one buffer,
// so that no file is needed and every engine reads the same.
class Workload {
 public:
  static constexpr std::size_t kStarts = 64;
  static constexpr std::size_t kShift = 7;
  static constexpr int kClasses = 10;

  // Parameters and pixels drawn from `seed`.
  Workload(std::unique_ptr<const Model> model,
           const std::vector<ImageSize>& sizes, int batch, int seed);

  // What FromJson needs in another process; parameters and pixels go to `file`,
  // first the ones, then the others, as raw floats. UNAVAILABLE if it cannot be
  // written.
  StatusOr<nlohmann::json> ToJson(const std::string& file) const;
  static StatusOr<std::unique_ptr<const Workload>> FromJson(
      const nlohmann::json& json);

  const Model& model() const { return *model_; }
  const Parameters& parameters() const { return parameters_; }
  std::span<const Example> examples() const { return examples_; }
  int batches() const { return static_cast<int>(examples_.size()) / batch_; }
  std::span<const Example> Batch(int index) const;
  // Of a batch's convolutions and linear layers, in training steps or forward
  // passes.
  enum class Work { kTraining, kInference };
  double BatchFlops(int index, Work work) const;
  // Of an example, on average.
  double ExampleFlops(Work work) const;
  // Four images of one size, at most as large as the largest of the workload:
  // so few that what a new size costs stands out.
  std::vector<Example> SmallBatchOf(ImageSize size) const;

 private:
  Workload(std::unique_ptr<const Model> model, int batch)
      : model_(std::move(model)), batch_(batch) {}
  void PlaceExamples(const std::vector<ImageSize>& sizes);
  Example ExampleAt(std::size_t index, ImageSize size) const;

  std::unique_ptr<const Model> model_;
  int batch_;
  Parameters parameters_;
  Parameters pixels_;
  std::vector<Example> examples_;
};

// The sizes of a folder of PPM images at any depth, shuffled in one fixed way;
// empty if there is none.
std::vector<ImageSize> SizesOfFolder(const std::string& folder);

// As many distinct sizes as the traffic signs of gtsrb_natural have: 748, from
// 25 to 219 px, most of them small, most not square. Drawn, not read.
std::vector<ImageSize> DrawnSignSizes();

}  // namespace fedgap::bench

#endif  // FEDGAP_BENCH_ENGINE_WORKLOAD_H_
