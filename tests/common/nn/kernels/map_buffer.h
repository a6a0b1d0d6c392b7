// A feature map with its own memory, filled from and read back into the naive
// kernels' dense images.
#ifndef FEDGAP_TESTS_COMMON_NN_KERNELS_MAP_BUFFER_H_
#define FEDGAP_TESTS_COMMON_NN_KERNELS_MAP_BUFFER_H_

#include <algorithm>
#include <cstddef>

#include "common/base/counter_rng.h"
#include "common/nn/kernels/conv2d.h"
#include "common/nn/kernels/naive.h"
#include "common/tensor/parameters.h"

namespace fedgap::kernels {

// One of four different sides.
inline constexpr Border kSomeBorder = {1, 2, 0, 1};

// The memory is exactly as large as the map, so that the address sanitizer
// sees every stray access.
class MapBuffer {
 public:
  MapBuffer(int height, int width, int channels, const Border& border = {},
            bool padded = true) {
    map_.height = height;
    map_.width = width;
    map_.channels = channels;
    map_.pixel_stride = padded ? PadChannels(channels) : channels;
    map_.row_stride = (border.left + width + border.right) * map_.pixel_stride;
    values_.resize(static_cast<std::size_t>(
        (border.top + height + border.bottom) * map_.row_stride));
    map_.data = values_.data() + border.top * map_.row_stride +
                border.left * map_.pixel_stride;
  }
  explicit MapBuffer(const naive::Image& image, const Border& border = {},
                     bool padded = true)
      : MapBuffer(image.height, image.width, image.channels, border, padded) {
    for (int y = 0; y < image.height; ++y) {
      for (int x = 0; x < image.width; ++x) {
        for (int c = 0; c < image.channels; ++c) {
          map_.at(y, x)[c] = image.at(y, x, c);
        }
      }
    }
  }
  MapBuffer(const MapBuffer&) = delete;
  MapBuffer& operator=(const MapBuffer&) = delete;

  const FeatureMap& map() const { return map_; }
  BorderedMap bordered() const {
    return {map_, values_.data(), values_.size()};
  }
  // What kernels may leave in the lanes beyond the channels.
  void FillUnusedLanes(float value) {
    for (int y = 0; y < map_.height; ++y) {
      for (int x = 0; x < map_.width; ++x) {
        std::fill(map_.at(y, x) + map_.channels,
                  map_.at(y, x) + map_.pixel_stride, value);
      }
    }
  }
  naive::Image image() const {
    naive::Image image(map_.height, map_.width, map_.channels);
    for (int y = 0; y < map_.height; ++y) {
      for (int x = 0; x < map_.width; ++x) {
        for (int c = 0; c < map_.channels; ++c) {
          image.at(y, x, c) = map_.at(y, x)[c];
        }
      }
    }
    return image;
  }

 private:
  Parameters values_;
  FeatureMap map_;
};

// Uniform in [-1, 1).
inline naive::Vector RandomVector(CounterRng& rng, std::size_t count) {
  naive::Vector values(count);
  for (float& value : values) {
    value = static_cast<float>(2 * rng.Uniform() - 1);
  }
  return values;
}

inline naive::Image RandomImage(CounterRng& rng, int height, int width,
                                int channels) {
  naive::Image image(height, width, channels);
  image.values = RandomVector(rng, image.values.size());
  return image;
}

// Of the same shape.
inline naive::Image RandomLike(CounterRng& rng, const naive::Image& image) {
  return RandomImage(rng, image.height, image.width, image.channels);
}

// In [low, high].
inline int RandomInt(CounterRng& rng, int low, int high) {
  return low + static_cast<int>(
                   rng.Below(static_cast<std::uint64_t>(high - low + 1)));
}

// All of a convolution but its channels.
inline ConvShape RandomWindow(CounterRng& rng) {
  ConvShape shape;
  for (std::size_t axis = 0; axis < 2; ++axis) {
    shape.kernel[axis] = RandomInt(rng, 1, 5);
    shape.stride[axis] = RandomInt(rng, 1, 3);
    shape.padding[axis] = RandomInt(rng, 0, 3);
    shape.dilation[axis] = RandomInt(rng, 1, 2);
  }
  return shape;
}

}  // namespace fedgap::kernels

#endif  // FEDGAP_TESTS_COMMON_NN_KERNELS_MAP_BUFFER_H_
