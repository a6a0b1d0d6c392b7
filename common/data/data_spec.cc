#include "common/data/data_spec.h"

#include <fmt/format.h>

#include <array>
#include <utility>

#include "common/base/did_you_mean.h"
#include "common/base/parse_number.h"
#include "common/data/idx.h"
#include "common/data/partition.h"
#include "common/data/pixel_format.h"
#include "common/data/resize.h"
#include "common/data/synthetic.h"

namespace fedgap {
namespace {

using Kind = DataSpec::Kind;

const std::array<std::string, 4> kNames = {"idx", "folder", "fashion-mnist",
                                           "synthetic"};
constexpr std::string_view kFashionMnistDirectory =
    "/usr/share/datasets/fashion-mnist";
constexpr std::int64_t kMaxSynthetic = 10'000'000;

Status Bad(std::string_view text, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("data '{}': {}", text, why));
}

StatusOr<DataSpec> ParseSynthetic(std::string_view text,
                                  std::string_view value) {
  const std::size_t comma = value.find(',');
  if (comma != std::string_view::npos) {
    const auto seed = ParseNumber<std::uint64_t>(value.substr(0, comma));
    const auto samples = ParseNumber<std::int64_t>(value.substr(comma + 1));
    if (seed.has_value() && samples.has_value() && *samples >= 1 &&
        *samples <= kMaxSynthetic) {
      return DataSpec{Kind::kSynthetic, {}, *seed, *samples};
    }
  }
  return Bad(text,
             fmt::format("expected synthetic:SEED,N with N from 1 to {}, e.g. "
                         "synthetic:1,1000",
                         kMaxSynthetic));
}

std::vector<std::string> FashionMnistClasses() {
  return {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
}

StatusOr<ImageDataset> ReadIdx(const DataSpec& spec,
                               const LoadOptions& options) {
  IdxOptions idx{options.split, options.class_names};
  const bool fashion = spec.kind == Kind::kFashionMnist;
  if (fashion && idx.class_names.empty()) {
    idx.class_names = FashionMnistClasses();
  }
  StatusOr<ImageDataset> data = ReadIdxDirectory(spec.path, idx);
  if (fashion && absl::IsNotFound(data.status())) {
    return absl::NotFoundError(
        fmt::format("Fashion-MNIST is not installed (run: apt install "
                    "dataset-fashion-mnist): {}",
                    MessageOf(data.status())));
  }
  return data;
}

StatusOr<ImageDataset> ReadFolderInto(const DataSpec& spec,
                                      const LoadOptions& options,
                                      LoadReport& report) {
  FolderOptions folder;
  folder.decode.channels = options.channels == 0 ? 3 : options.channels;
  folder.decode.max_pixels = options.max_pixels;
  folder.split = options.split;
  folder.class_names = options.class_names;
  folder.on_bad_image = options.on_bad_image;
  folder.test_fraction = options.test_fraction;
  FEDGAP_ASSIGN_OR_RETURN(FolderData read, ReadFolder(spec.path, folder));
  report.skipped = std::move(read.skipped);
  report.ignored_files = read.ignored_files;
  return std::move(read.dataset);
}

StatusOr<ImageDataset> Synthesize(const DataSpec& spec,
                                  const LoadOptions& options) {
  const int channels = options.channels == 0 ? 1 : options.channels;
  ImageDataset data =
      MakeSynthetic({spec.seed, spec.samples, channels, options.split});
  if (!options.class_names.empty() &&
      options.class_names != data.class_names()) {
    return absl::InvalidArgumentError(
        "synthetic data has classes of its own, not the federation's");
  }
  return data;
}

StatusOr<ImageDataset> ReadAny(const DataSpec& spec, const LoadOptions& options,
                               LoadReport& report) {
  switch (spec.kind) {
    case Kind::kIdx:
    case Kind::kFashionMnist:
      return ReadIdx(spec, options);
    case Kind::kFolder:
      return ReadFolderInto(spec, options, report);
    case Kind::kSynthetic:
      return Synthesize(spec, options);
  }
  return absl::InternalError("unknown kind of data");
}

StatusOr<ImageDataset> TakePart(const ImageDataset& data,
                                const DataPart& part) {
  if (part.count < 1 || part.index < 0 || part.index >= part.count) {
    return absl::InvalidArgumentError(fmt::format(
        "part {} of {}: the index must be from 0 to the count less one",
        part.index, part.count));
  }
  FEDGAP_ASSIGN_OR_RETURN(
      const auto parts,
      PartitionByTrack(data, part.count, part.partition, part.seed));
  return Subset(data, parts[static_cast<std::size_t>(part.index)]);
}

StatusOr<ImageDataset> WithChannels(ImageDataset data, int channels) {
  if (channels == 0 || channels == data.channels()) return data;
  ImageDataset::Builder builder(channels, data.class_names());
  for (std::int64_t i = 0; i < data.size(); ++i) {
    const auto pixels = data.pixels(i);
    FEDGAP_RETURN_IF_ERROR(
        builder.Add(ConvertChannels({pixels.begin(), pixels.end()},
                                    data.channels(), channels),
                    data.image_size(i), data.label(i), data.track(i)));
  }
  return std::move(builder).Build();
}

}  // namespace

StatusOr<DataSpec> ParseDataSpec(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string name(text.substr(0, colon));
  const std::string_view value = colon == std::string_view::npos
                                     ? std::string_view()
                                     : text.substr(colon + 1);
  if (name == "synthetic") return ParseSynthetic(text, value);
  if (name == "fashion-mnist") {
    if (name != text) return Bad(text, "fashion-mnist takes no value");
    return DataSpec{Kind::kFashionMnist, kFashionMnistDirectory};
  }
  if (name != "idx" && name != "folder") {
    return Bad(text,
               "expected idx:DIR, folder:DIR, fashion-mnist or "
               "synthetic:SEED,N" +
                   DidYouMean(name, kNames));
  }
  if (value.empty()) {
    return Bad(text, fmt::format("{} needs a directory: {}:DIR", name, name));
  }
  return DataSpec{name == "idx" ? Kind::kIdx : Kind::kFolder, value};
}

StatusOr<DataPart> ParseDataPart(std::string_view text) {
  const std::size_t slash = text.find('/');
  const int number = ParseNumber<int>(text.substr(0, slash)).value_or(0);
  const int count = slash == text.npos
                        ? 0
                        : ParseNumber<int>(text.substr(slash + 1)).value_or(0);
  if (number < 1 || number > count) {
    return absl::InvalidArgumentError(
        fmt::format("part '{}': must be I/N with 1 <= I <= N, e.g. 2/6", text));
  }
  DataPart part;
  part.index = number - 1;
  part.count = count;
  return part;
}

StatusOr<LoadedData> LoadData(const DataSpec& spec,
                              const LoadOptions& options) {
  if (options.channels != 0 && options.channels != 1 && options.channels != 3) {
    return absl::InvalidArgumentError(fmt::format(
        "{} channels: images have 1 (grey) or 3 (RGB)", options.channels));
  }
  LoadedData loaded;
  FEDGAP_ASSIGN_OR_RETURN(ImageDataset data,
                          ReadAny(spec, options, loaded.report));
  if (data.size() == 0) {
    return absl::InvalidArgumentError("the data set has no samples");
  }
  loaded.report.loaded = data.size();
  if (options.part.has_value()) {
    FEDGAP_ASSIGN_OR_RETURN(data, TakePart(data, *options.part));
  }
  FEDGAP_ASSIGN_OR_RETURN(data,
                          WithChannels(std::move(data), options.channels));
  if (options.resolution.has_value()) {
    FEDGAP_ASSIGN_OR_RETURN(data, Resize(data, *options.resolution));
  }
  loaded.data = std::make_shared<const ImageDataset>(std::move(data));
  return loaded;
}

}  // namespace fedgap
