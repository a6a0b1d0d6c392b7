// `fedgap predict MODEL FILE...`: the class of each image, and how sure.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/model_argument.h"
#include "common/base/file_io.h"
#include "common/data/data_spec.h"
#include "common/data/image_decoder.h"
#include "common/data/resize.h"
#include "common/nn/engine.h"
#include "common/nn/scratch_limit.h"

namespace fedgap {
namespace {

namespace fs = std::filesystem;

struct PredictFlags {
  fs::path model;
  std::vector<fs::path> files;
  std::string data;
  std::string resolution;
};

struct Prediction {
  int label = 0;
  double probability = 0;  // softmax
};

Prediction FromLogits(std::span<const float> logits) {
  const auto best = std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) {
    sum += std::exp(static_cast<double>(logit) - static_cast<double>(*best));
  }
  return {.label = static_cast<int>(best - logits.begin()),
          .probability = 1.0 / sum};
}

class Predictor {
 public:
  explicit Predictor(const ModelFile& file)
      : file_(file),
        pool_(1),
        engine_(*file.model, pool_),
        scratch_limit_(*file.model, ScratchLimit::Work::kInference) {
    engine_.Load(file.parameters);
  }

  StatusOr<Prediction> Predict(const DataSource& data, std::int64_t i) {
    const ImageSize size = data.image_size(i);
    FEDGAP_RETURN_IF_ERROR(scratch_limit_.CheckImage(size));
    const int channels = data.channels();
    pixels_.resize(static_cast<std::size_t>(size.pixels() * channels));
    data.Read(i, file_.model->spec().normalization, pixels_);
    const ImageView view{
        .pixels = pixels_.data(), .size = size, .channels = channels};
    std::vector<float> logits(static_cast<std::size_t>(file_.model->classes()));
    engine_.Run({&view, 1}, logits, {});
    return FromLogits(logits);
  }

 private:
  const ModelFile& file_;
  ThreadPool pool_;
  InferenceEngine engine_;
  ScratchLimit scratch_limit_;
  Parameters pixels_;
};

// A data set of one, without a meaningful label.
struct FileImage {
  ImageDataset data;
  bool lost_colour = false;  // a colour file, read for a grey model
};

StatusOr<FileImage> OneImage(std::span<const std::uint8_t> bytes, int channels,
                             const std::optional<ImageSize>& resolution) {
  FEDGAP_ASSIGN_OR_RETURN(const DecodedImage image,
                          DecodeImage(bytes, {.channels = channels}));
  ImageDataset::Builder builder(channels, {"unknown"});
  FEDGAP_RETURN_IF_ERROR(builder.Add(image.pixels, image.size, 0));
  FileImage one{std::move(builder).Build(), image.file_channels > channels};
  if (resolution.has_value()) {
    FEDGAP_ASSIGN_OR_RETURN(one.data, Resize(one.data, *resolution));
  }
  return one;
}

void Print(const std::string& what, const Prediction& prediction,
           const ModelOrigin& origin) {
  fmt::print("{}\t{}\t{:.4f}\n", what, ClassName(origin, prediction.label),
             prediction.probability);
}

StatusOr<Prediction> PredictFile(const fs::path& path, const ModelFile& file,
                                 const std::optional<ImageSize>& resolution,
                                 Predictor& predictor, int& lost_colour) {
  FEDGAP_ASSIGN_OR_RETURN(const auto bytes, ReadFileBytes(path));
  const auto image =
      OneImage(bytes, file.model->spec().input_channels, resolution);
  if (!image.ok()) return Annotate(image.status(), path.string());
  if (image->lost_colour) ++lost_colour;
  StatusOr<Prediction> prediction = predictor.Predict(image->data, 0);
  if (prediction.ok()) return prediction;
  return Annotate(prediction.status(), path.string());
}

Status PredictFiles(const PredictFlags& flags, const ModelFile& file,
                    const std::optional<ImageSize>& resolution) {
  Predictor predictor(file);
  std::size_t failed = 0;
  int lost_colour = 0;
  for (const fs::path& path : flags.files) {
    const StatusOr<Prediction> prediction =
        PredictFile(path, file, resolution, predictor, lost_colour);
    if (prediction.ok()) {
      Print(path.string(), *prediction, file.origin);
    } else {
      ++failed;
      fmt::print(stderr, "fedgap: {}\n", MessageOf(prediction.status()));
    }
  }
  if (lost_colour > 0) {
    fmt::print(stderr,
               "fedgap: {} of {} files are in colour and were read as grey: "
               "the model has one input channel\n",
               lost_colour, flags.files.size());
  }
  if (failed == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "{} of {} files could not be read", failed, flags.files.size()));
}

Status PredictData(const PredictFlags& flags, const ModelFile& file,
                   const std::optional<ImageSize>& resolution) {
  FEDGAP_ASSIGN_OR_RETURN(const DataSpec spec, ParseDataSpec(flags.data));
  LoadOptions options;
  options.split = DataSplit::kTest;
  options.channels = file.model->spec().input_channels;
  options.resolution = resolution;
  FEDGAP_ASSIGN_OR_RETURN(const LoadedData loaded, LoadData(spec, options));
  Predictor predictor(file);
  for (std::int64_t i = 0; i < loaded.data->size(); ++i) {
    FEDGAP_ASSIGN_OR_RETURN(const Prediction prediction,
                            predictor.Predict(*loaded.data, i));
    Print(std::to_string(i), prediction, file.origin);
  }
  return absl::OkStatus();
}

Status RunPredict(const PredictFlags& flags) {
  if (flags.files.empty() == flags.data.empty()) {
    return absl::InvalidArgumentError(
        "give image files or --data, one of them");
  }
  FEDGAP_ASSIGN_OR_RETURN(const fs::path path, FindModel(flags.model));
  FEDGAP_ASSIGN_OR_RETURN(const ModelFile file, ReadModelFile(path));
  std::optional<ImageSize> resolution;
  if (!flags.resolution.empty()) {
    FEDGAP_ASSIGN_OR_RETURN(resolution, ParseImageSize(flags.resolution));
  }
  return flags.files.empty() ? PredictData(flags, file, resolution)
                             : PredictFiles(flags, file, resolution);
}

}  // namespace

void AddPredictCommand(CLI::App& app, Action& selected) {
  CLI::App* command = app.add_subcommand(
      "predict", "The class of each image and its probability, tab-separated.");
  auto flags = std::make_shared<PredictFlags>();
  command
      ->add_option("model", flags->model,
                   "A model.safetensors, or the directory of a run")
      ->type_name("MODEL")
      ->required();
  command->add_option("files", flags->files, "PNG, JPEG, PPM or PGM")
      ->type_name("FILE");
  command
      ->add_option("--data", flags->data,
                   "The test part of a data set instead of files")
      ->type_name("DATA");
  command
      ->add_option("--resolution", flags->resolution,
                   "Resize to this first, 28 or 24x36; else as they are")
      ->type_name("SIZE");
  command->footer(
      "Examples:\n"
      "  fedgap predict runs/first/model.safetensors picture.png\n"
      "  fedgap predict runs/first --data folder:/data/images");
  command->callback([flags, &selected] {
    selected = [flags] { return RunPredict(*flags); };
  });
}

}  // namespace fedgap
