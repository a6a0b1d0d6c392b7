#include "sim/client_images.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "common/base/check.h"
#include "common/data/data_view.h"
#include "common/data/resize.h"

namespace fedgap {
namespace {

// Resizers by pair of sizes: a client has few.
class Resizers {
 public:
  explicit Resizers(int channels) : channels_(channels) {}

  // `pixels` is an image of size `from`, and then one of size `to`.
  void Bring(ImageSize from, ImageSize to, std::vector<std::uint8_t>& pixels) {
    if (from == to) return;
    const auto found =
        resizers_.try_emplace({from, to}, from, to, channels_).first;
    resized_.resize(static_cast<std::size_t>(to.pixels() * channels_));
    found->second.Resize(pixels, resized_);
    pixels.swap(resized_);
  }

 private:
  int channels_;
  std::map<std::pair<ImageSize, ImageSize>, BilinearResizer> resizers_;
  std::vector<std::uint8_t> resized_;
};

Status CheckSize(ImageSize size) {
  if (size.height <= kMaxResizedSide && size.width <= kMaxResizedSide) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      fmt::format("images of {}: no side may exceed {} pixels", size.ToString(),
                  kMaxResizedSide));
}

}  // namespace

StatusOr<std::shared_ptr<const DataSource>> ClientImages(
    const std::shared_ptr<const ImageDataset>& base,
    std::vector<std::uint32_t> indices, std::span<const ImageSize> sizes,
    std::optional<ImageSize> resize) {
  FEDGAP_CHECK(sizes.empty() || sizes.size() == indices.size());
  const auto own_size = [&](std::size_t k) {
    return sizes.empty() ? base->image_size(indices[k]) : sizes[k];
  };
  bool changed = false;
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const ImageSize size = own_size(k);
    FEDGAP_RETURN_IF_ERROR(CheckSize(resize.value_or(size)));
    FEDGAP_RETURN_IF_ERROR(CheckSize(size));
    changed = changed || size != base->image_size(indices[k]) ||
              resize.value_or(size) != size;
  }
  if (!changed) return std::make_shared<DataView>(base, std::move(indices));

  ImageDataset::Builder builder(base->channels(), base->class_names());
  Resizers resizers(base->channels());
  std::vector<std::uint8_t> pixels;
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const std::int64_t i = indices[k];
    const auto image = base->pixels(i);
    pixels.assign(image.begin(), image.end());
    const ImageSize size = own_size(k);
    resizers.Bring(base->image_size(i), size, pixels);
    resizers.Bring(size, resize.value_or(size), pixels);
    FEDGAP_RETURN_IF_ERROR(builder.Add(pixels, resize.value_or(size),
                                       base->label(i), base->track(i)));
  }
  return std::make_shared<const ImageDataset>(std::move(builder).Build());
}

}  // namespace fedgap
