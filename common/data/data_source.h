// Where labelled images come from.
#ifndef FEDGAP_COMMON_DATA_DATA_SOURCE_H_
#define FEDGAP_COMMON_DATA_DATA_SOURCE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "common/tensor/image_view.h"
#include "common/tensor/normalization.h"

namespace fedgap {

// A set of labelled images, each of its own size. Implementations:
// ImageDataset (8-bit images in memory); a program may bring its own
// (examples/custom_client). Immutable while in use; thread-safe.
class DataSource {
 public:
  static constexpr std::int32_t kNoTrack = -1;

  virtual ~DataSource() = default;

  virtual std::int64_t size() const = 0;
  // Channels of every image: 1 grey, 3 RGB.
  virtual int channels() const = 0;
  // Names of the classes; a label is an index into them.
  virtual const std::vector<std::string>& class_names() const = 0;

  // i in [0, size()).
  virtual int label(std::int64_t i) const = 0;
  virtual ImageSize image_size(std::int64_t i) const = 0;
  // Samples of one track are near copies of each other (video frames of one
  // object, slices of one patient): a split never parts them. kNoTrack: the
  // sample stands alone.
  virtual std::int32_t track(std::int64_t) const { return kNoTrack; }
  // Writes image i, normalised, as [height, width, channels] to `out`, which
  // has exactly that many elements.
  virtual void Read(std::int64_t i, const Normalization& normalization,
                    std::span<float> out) const = 0;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_DATA_DATA_SOURCE_H_
