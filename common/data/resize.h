// Images at another size.
#ifndef FEDGAP_COMMON_DATA_RESIZE_H_
#define FEDGAP_COMMON_DATA_RESIZE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/base/status.h"
#include "common/data/image_dataset.h"
#include "common/tensor/image_view.h"

namespace fedgap {

// Antialiased bilinear: a triangle filter as wide as two source pixels, or as
// two destination pixels where the image shrinks, so that every source pixel
// counts. This is what Pillow's BILINEAR and PyTorch's
// interpolate(mode="bilinear", antialias=True) compute: theirs before rounding,
// rounded, up to an error of 4/256 of a level (tests/golden/resize.py), so
// never more than one level apart. 8-bit in and out, weights in fixed point:
// the same bytes on every machine; a flat image stays flat.
//
// Made once for a pair of sizes and used for many images. Not thread-safe.
class BilinearResizer {
 public:
  // Sizes of at least one pixel; channels 1 or 3.
  BilinearResizer(ImageSize from, ImageSize to, int channels);

  ImageSize from() const { return from_; }

  // `in` is [from.height, from.width, channels], `out` [to.height, to.width,
  // channels]; they do not overlap.
  void Resize(std::span<const std::uint8_t> in, std::span<std::uint8_t> out);

 private:
  // Destination pixel i is the sum of weights[begin, end) with the source
  // pixels from `first` on.
  struct Taps {
    std::size_t first = 0;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  struct Axis {
    std::vector<Taps> taps;
    std::vector<std::uint32_t> weights;
  };
  // The weights of a destination pixel sum to 2^bits.
  static Axis PlanAxis(int from, int to, unsigned bits);

  void ResizeRow(std::span<const std::uint8_t> in,
                 std::span<std::uint16_t> out) const;

  ImageSize from_;
  ImageSize to_;
  std::size_t channels_;
  Axis horizontal_;
  Axis vertical_;
  // Rows at the new width, in 1/256 of a level.
  std::vector<std::uint16_t> narrowed_;
  std::vector<std::uint32_t> sums_;
};

// The longest side of a resized image, in pixels.
inline constexpr int kMaxResizedSide = 16384;

// Every image of `dataset` at `size`; labels, tracks and order are kept.
// INVALID_ARGUMENT if a side of `size` is not in [1, kMaxResizedSide],
// RESOURCE_EXHAUSTED if the result would pass 16 GiB.
StatusOr<ImageDataset> Resize(const ImageDataset& dataset, ImageSize size);

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_RESIZE_H_
