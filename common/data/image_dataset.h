// Labelled 8-bit images of any sizes, in memory.
#ifndef FEDGAP_COMMON_DATA_IMAGE_DATASET_H_
#define FEDGAP_COMMON_DATA_IMAGE_DATASET_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/base/status.h"
#include "common/data/data_source.h"

namespace fedgap {

// The pixels of all images stand in one buffer, a byte a value, each image as
// [height, width, channels]; 20 bytes an image beside them. Immutable, hence
// thread-safe; movable, not copyable (share it by shared_ptr<const>).
class ImageDataset final : public DataSource {
 public:
  class Builder;

  ImageDataset(ImageDataset&&) = default;
  ImageDataset& operator=(ImageDataset&&) = default;

  std::int64_t size() const override {
    return static_cast<std::int64_t>(labels_.size());
  }
  int channels() const override { return channels_; }
  const std::vector<std::string>& class_names() const override {
    return class_names_;
  }
  int label(std::int64_t i) const override {
    return labels_[static_cast<std::size_t>(i)];
  }
  ImageSize image_size(std::int64_t i) const override {
    return sizes_[static_cast<std::size_t>(i)];
  }
  std::int32_t track(std::int64_t i) const override {
    return tracks_.empty() ? kNoTrack : tracks_[static_cast<std::size_t>(i)];
  }
  // One table of 256 floats a channel, then a look-up a value.
  void Read(std::int64_t i, const Normalization& normalization,
            std::span<float> out) const override;

  // The bytes of image i, [height, width, channels].
  std::span<const std::uint8_t> pixels(std::int64_t i) const;
  bool has_tracks() const { return !tracks_.empty(); }

 private:
  ImageDataset() = default;

  int channels_ = 0;
  std::vector<std::string> class_names_;
  std::vector<std::uint8_t> pixels_;
  std::vector<std::uint64_t> offsets_;
  std::vector<ImageSize> sizes_;
  std::vector<std::int32_t> labels_;
  std::vector<std::int32_t> tracks_;  // empty, or one a sample
};

// Collects images, then becomes the dataset:
//   ImageDataset::Builder builder(1, {"cat", "dog"});
//   FEDGAP_RETURN_IF_ERROR(builder.Add(pixels, {28, 28}, 0));
//   return std::move(builder).Build();
class ImageDataset::Builder {
 public:
  // `channels` is 1 or 3; at least one class.
  Builder(int channels, std::vector<std::string> class_names);

  void Reserve(std::size_t images, std::size_t bytes);

  // Copies one image. INVALID_ARGUMENT if it has no pixels, if `pixels` is not
  // height * width * channels long, or if the label is not a class.
  Status Add(std::span<const std::uint8_t> pixels, ImageSize size, int label,
             std::int32_t track = kNoTrack);

  // Takes many images of one size, one after the other in `pixels`, without a
  // copy when they are the first. INVALID_ARGUMENT as for Add.
  Status AddAll(std::vector<std::uint8_t> pixels, ImageSize size,
                std::span<const std::uint8_t> labels);

  std::size_t size() const { return dataset_.labels_.size(); }

  ImageDataset Build() &&;

 private:
  Status Check(ImageSize size, int label) const;
  void Append(std::uint64_t offset, ImageSize size, int label,
              std::int32_t track);

  ImageDataset dataset_;
};

// The samples `indices` of `dataset`, in that order, as a set of their own:
// what a process keeps when it holds one part of a set and lets go of the rest.
ImageDataset Subset(const ImageDataset& dataset,
                    std::span<const std::uint32_t> indices);

// The label of every sample.
std::vector<std::int32_t> Labels(const DataSource& data);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_IMAGE_DATASET_H_
