#include "bench/engine/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "common/base/counter_rng.h"
#include "common/base/file_io.h"
#include "common/nn/model_spec.h"

namespace fedgap::bench {
namespace {

constexpr std::size_t kMaxSpecBytes = 1 << 20;

std::streamsize Bytes(const Parameters& values) {
  return static_cast<std::streamsize>(values.size() * sizeof(float));
}

const char* Raw(const Parameters& values) {
  return reinterpret_cast<const char*>(values.data());
}

char* Raw(Parameters& values) { return reinterpret_cast<char*>(values.data()); }

}  // namespace

StatusOr<std::unique_ptr<const Model>> BenchModel(const std::string& name) {
  if (name.ends_with(".json")) {
    FEDGAP_ASSIGN_OR_RETURN(const std::string text,
                            ReadFileText(name, kMaxSpecBytes));
    FEDGAP_ASSIGN_OR_RETURN(ModelSpec spec, ParseModelSpec(text));
    if (spec.classes != Workload::kClasses) {
      return absl::InvalidArgumentError(
          fmt::format("{} has {} classes; the bench's labels need {}", name,
                      spec.classes, Workload::kClasses));
    }
    return Model::Create(std::move(spec));
  }
  FEDGAP_ASSIGN_OR_RETURN(
      ModelSpec spec,
      BuiltInModel(name, {.input_channels = name == "gap-cnn-m" ? 3 : 1,
                          .classes = Workload::kClasses}));
  return Model::Create(std::move(spec));
}

Workload::Workload(std::unique_ptr<const Model> model,
                   const std::vector<ImageSize>& sizes, int batch, int seed)
    : Workload(std::move(model), batch) {
  std::int64_t most = 0;
  for (const ImageSize& size : sizes) most = std::max(most, size.pixels());
  CounterRng rng(static_cast<std::uint64_t>(seed), RngPurpose::kSynthetic);
  pixels_.resize((static_cast<std::size_t>(most) + kStarts * kShift) *
                 static_cast<std::size_t>(model_->spec().input_channels));
  for (float& pixel : pixels_) pixel = static_cast<float>(rng.Normal());
  parameters_ = model_->InitialParameters(static_cast<std::uint64_t>(seed));
  PlaceExamples(sizes);
}

Example Workload::ExampleAt(std::size_t index, ImageSize size) const {
  const int channels = model_->spec().input_channels;
  const std::size_t start =
      index % kStarts * kShift * static_cast<std::size_t>(channels);
  return {{pixels_.data() + start, size, channels},
          static_cast<int>(index % kClasses)};
}

void Workload::PlaceExamples(const std::vector<ImageSize>& sizes) {
  const auto batch = static_cast<std::size_t>(batch_);
  const std::size_t count = (sizes.size() + batch - 1) / batch * batch;
  for (std::size_t i = 0; i < count; ++i) {
    examples_.push_back(ExampleAt(i, sizes[i % sizes.size()]));
  }
}

StatusOr<nlohmann::json> Workload::ToJson(const std::string& file) const {
  std::ofstream stream(file, std::ios::binary);
  stream.write(Raw(parameters_), Bytes(parameters_));
  stream.write(Raw(pixels_), Bytes(pixels_));
  if (!stream.flush()) {
    return absl::UnavailableError(fmt::format("cannot write {}", file));
  }
  nlohmann::json tensors = nlohmann::json::array();
  for (const TensorSpec& tensor : model_->layout().tensors()) {
    tensors.push_back(
        {{"name", tensor.name}, {"shape", tensor.shape.extents()}});
  }
  nlohmann::json sizes = nlohmann::json::array();
  for (const Example& example : examples_) {
    sizes.push_back({example.image.size.height, example.image.size.width});
  }
  return nlohmann::json{
      {"spec", nlohmann::json::parse(fedgap::ToJson(model_->spec()))},
      {"tensors", tensors},
      {"file", file},
      {"parameters", parameters_.size()},
      {"pixels", pixels_.size()},
      {"batch", batch_},
      {"sizes", sizes}};
}

StatusOr<std::unique_ptr<const Workload>> Workload::FromJson(
    const nlohmann::json& json) {
  FEDGAP_ASSIGN_OR_RETURN(ModelSpec spec, ParseModelSpec(json["spec"].dump()));
  FEDGAP_ASSIGN_OR_RETURN(auto model, Model::Create(std::move(spec)));
  std::unique_ptr<Workload> workload(
      new Workload(std::move(model), json["batch"].get<int>()));
  workload->parameters_.resize(json["parameters"].get<std::size_t>());
  workload->pixels_.resize(json["pixels"].get<std::size_t>());
  const auto file = json["file"].get<std::string>();
  std::ifstream stream(file, std::ios::binary);
  stream.read(Raw(workload->parameters_), Bytes(workload->parameters_));
  if (!stream.read(Raw(workload->pixels_), Bytes(workload->pixels_))) {
    return absl::UnavailableError(fmt::format("cannot read {}", file));
  }
  std::vector<ImageSize> sizes;
  for (const auto& size : json["sizes"]) {
    sizes.push_back({size[0].get<int>(), size[1].get<int>()});
  }
  workload->PlaceExamples(sizes);
  return workload;
}

std::span<const Example> Workload::Batch(int index) const {
  const auto batch = static_cast<std::size_t>(batch_);
  return examples().subspan(static_cast<std::size_t>(index) * batch, batch);
}

double Workload::BatchFlops(int index, Work work) const {
  double flops = 0;
  for (const Example& example : Batch(index)) {
    const ImageSize size = example.image.size;
    flops += static_cast<double>(work == Work::kTraining
                                     ? model_->TrainingFlops(size)
                                     : model_->ForwardFlops(size));
  }
  return flops;
}

double Workload::ExampleFlops(Work work) const {
  double flops = 0;
  for (int i = 0; i < batches(); ++i) flops += BatchFlops(i, work);
  return flops / static_cast<double>(examples_.size());
}

std::vector<Example> Workload::SmallBatchOf(ImageSize size) const {
  std::vector<Example> batch;
  for (std::size_t i = 0; i < 4; ++i) batch.push_back(ExampleAt(i, size));
  return batch;
}

std::vector<ImageSize> SizesOfFolder(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  std::filesystem::recursive_directory_iterator at(folder, error);
  for (; !error && at != std::filesystem::recursive_directory_iterator();
       at.increment(error)) {
    if (at->path().extension() == ".ppm") files.push_back(at->path());
  }
  std::ranges::sort(files);
  std::vector<ImageSize> sizes;
  for (const std::filesystem::path& file : files) {
    std::ifstream stream(file);
    std::string magic;
    ImageSize size;
    if (stream >> magic >> size.width >> size.height && magic == "P6") {
      sizes.push_back(size);
    }
  }
  CounterRng rng(1, RngPurpose::kSynthetic);
  for (std::size_t i = sizes.size(); i > 1; --i) {
    std::swap(sizes[i - 1], sizes[rng.Below(i)]);
  }
  return sizes;
}

std::vector<ImageSize> DrawnSignSizes() {
  constexpr std::size_t kSizes = 748;
  CounterRng rng(2, RngPurpose::kSynthetic);
  std::vector<ImageSize> sizes;
  std::set<ImageSize> seen;
  while (sizes.size() < kSizes) {
    const double u = rng.Uniform();
    const auto height = static_cast<int>(25 + 65 * u + 105 * std::pow(u, 10));
    const ImageSize size{height, height + static_cast<int>(rng.Below(17)) - 8};
    if (size.width >= 25 && size.width <= 219 && seen.insert(size).second) {
      sizes.push_back(size);
    }
  }
  return sizes;
}

}  // namespace fedgap::bench
