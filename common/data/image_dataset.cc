#include "common/data/image_dataset.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "common/base/check.h"

namespace fedgap {
namespace {

std::uint64_t BytesOf(ImageSize size, int channels) {
  return static_cast<std::uint64_t>(size.pixels() * channels);
}

// What a byte of a channel becomes. Remembered from image to image, which
// nearly always share it.
const std::array<float, 256>& ValueTable(std::size_t channel, double mean,
                                         double stddev) {
  struct Table {
    double mean = 0;
    double stddev = 0;  // of no normalization
    std::array<float, 256> values{};
  };
  thread_local std::array<Table, 3> tables;
  Table& table = tables[channel];
  if (table.mean == mean && table.stddev == stddev) return table.values;
  table.mean = mean;
  table.stddev = stddev;
  for (std::size_t v = 0; v < table.values.size(); ++v) {
    const double value = static_cast<double>(v) / 255.0;
    table.values[v] = static_cast<float>((value - mean) / stddev);
  }
  return table.values;
}

}  // namespace

void ImageDataset::Read(std::int64_t i, const Normalization& normalization,
                        std::span<float> out) const {
  const std::span<const std::uint8_t> bytes = pixels(i);
  const auto channels = static_cast<std::size_t>(channels_);
  FEDGAP_CHECK(out.size() == bytes.size());
  FEDGAP_CHECK(normalization.mean.size() == channels);
  FEDGAP_CHECK(normalization.stddev.size() == channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const std::array<float, 256>& table =
        ValueTable(c, normalization.mean[c], normalization.stddev[c]);
    for (std::size_t k = c; k < bytes.size(); k += channels) {
      out[k] = table[bytes[k]];
    }
  }
}

std::span<const std::uint8_t> ImageDataset::pixels(std::int64_t i) const {
  FEDGAP_CHECK(i >= 0 && i < size());
  const auto k = static_cast<std::size_t>(i);
  return std::span(pixels_).subspan(
      static_cast<std::size_t>(offsets_[k]),
      static_cast<std::size_t>(BytesOf(sizes_[k], channels_)));
}

ImageDataset::Builder::Builder(int channels,
                               std::vector<std::string> class_names) {
  FEDGAP_CHECK(channels == 1 || channels == 3);
  FEDGAP_CHECK(!class_names.empty());
  dataset_.channels_ = channels;
  dataset_.class_names_ = std::move(class_names);
}

void ImageDataset::Builder::Reserve(std::size_t images, std::size_t bytes) {
  dataset_.pixels_.reserve(bytes);
  dataset_.offsets_.reserve(images);
  dataset_.sizes_.reserve(images);
  dataset_.labels_.reserve(images);
}

Status ImageDataset::Builder::Add(std::span<const std::uint8_t> pixels,
                                  ImageSize size, int label,
                                  std::int32_t track) {
  FEDGAP_RETURN_IF_ERROR(Check(size, label));
  if (pixels.size() != BytesOf(size, dataset_.channels_)) {
    return absl::InvalidArgumentError(
        fmt::format("image {} has {} bytes; {} with {} channels needs {}",
                    this->size(), pixels.size(), size.ToString(),
                    dataset_.channels_, BytesOf(size, dataset_.channels_)));
  }
  const std::uint64_t offset = dataset_.pixels_.size();
  dataset_.pixels_.insert(dataset_.pixels_.end(), pixels.begin(), pixels.end());
  Append(offset, size, label, track);
  return absl::OkStatus();
}

Status ImageDataset::Builder::AddAll(std::vector<std::uint8_t> pixels,
                                     ImageSize size,
                                     std::span<const std::uint8_t> labels) {
  const std::uint64_t image_bytes = BytesOf(size, dataset_.channels_);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Status status = Check(size, labels[i]);
    if (!status.ok()) return Annotate(status, fmt::format("sample {}", i));
  }
  if (pixels.size() != image_bytes * labels.size()) {
    return absl::InvalidArgumentError(
        fmt::format("{} images of {} with {} channels need {} bytes, not {}",
                    labels.size(), size.ToString(), dataset_.channels_,
                    image_bytes * labels.size(), pixels.size()));
  }
  const std::uint64_t begin = dataset_.pixels_.size();
  if (begin == 0) {
    dataset_.pixels_ = std::move(pixels);
  } else {
    dataset_.pixels_.insert(dataset_.pixels_.end(), pixels.begin(),
                            pixels.end());
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    Append(begin + i * image_bytes, size, labels[i], kNoTrack);
  }
  return absl::OkStatus();
}

ImageDataset ImageDataset::Builder::Build() && {
  dataset_.pixels_.shrink_to_fit();
  return std::move(dataset_);
}

Status ImageDataset::Builder::Check(ImageSize size, int label) const {
  if (size.height <= 0 || size.width <= 0) {
    return absl::InvalidArgumentError(
        fmt::format("an image of size {} has no pixels", size.ToString()));
  }
  const auto classes = static_cast<int>(dataset_.class_names_.size());
  if (label < 0 || label >= classes) {
    return absl::InvalidArgumentError(fmt::format(
        "label {} is out of range: the data has {} classes, labels 0 to {}",
        label, classes, classes - 1));
  }
  return absl::OkStatus();
}

void ImageDataset::Builder::Append(std::uint64_t offset, ImageSize size,
                                   int label, std::int32_t track) {
  // Tracks are kept only when some sample has one.
  if (track != kNoTrack && dataset_.tracks_.empty()) {
    dataset_.tracks_.assign(dataset_.labels_.size(), kNoTrack);
    dataset_.tracks_.push_back(track);
  } else if (!dataset_.tracks_.empty()) {
    dataset_.tracks_.push_back(track);
  }
  dataset_.offsets_.push_back(offset);
  dataset_.sizes_.push_back(size);
  dataset_.labels_.push_back(label);
}

ImageDataset Subset(const ImageDataset& dataset,
                    std::span<const std::uint32_t> indices) {
  std::size_t bytes = 0;
  for (const std::uint32_t i : indices) bytes += dataset.pixels(i).size();
  ImageDataset::Builder builder(dataset.channels(), dataset.class_names());
  builder.Reserve(indices.size(), bytes);
  for (const std::uint32_t i : indices) {
    const Status added = builder.Add(dataset.pixels(i), dataset.image_size(i),
                                     dataset.label(i), dataset.track(i));
    FEDGAP_CHECK(added.ok());
  }
  return std::move(builder).Build();
}

std::vector<std::int32_t> Labels(const DataSource& data) {
  std::vector<std::int32_t> labels(static_cast<std::size_t>(data.size()));
  for (std::size_t i = 0; i < labels.size(); ++i) {
    labels[i] = data.label(static_cast<std::int64_t>(i));
  }
  return labels;
}

}  // namespace fedgap
