// A view of one image's activations or of their gradient.
#ifndef FEDGAP_COMMON_NN_KERNELS_FEATURE_MAP_H_
#define FEDGAP_COMMON_NN_KERNELS_FEATURE_MAP_H_

#include <cstddef>

namespace fedgap::kernels {

// Kernels work on blocks of this many channels, whatever the vector width:
// which channels share a block must not depend on the CPU.
inline constexpr int kChannelBlock = 16;

constexpr int PadChannels(int channels) {
  return (channels + kChannelBlock - 1) / kChannelBlock * kChannelBlock;
}

// So many that what follows them is 64-byte aligned again.
constexpr std::size_t PadFloats(std::size_t floats) {
  constexpr std::size_t kBlock = kChannelBlock;
  return (floats + kBlock - 1) / kBlock * kBlock;
}

// [height, width, channels], channels innermost. Borrows.
//
// A *padded* map has pixel_stride == PadChannels(channels) and 64-byte aligned
// pixels; the lanes beyond `channels` belong to the map, kernels write there,
// and what stands there never reaches a real channel. Every map is padded but
// the input of a convolution, whose channels are read one by one. A map may
// have a border of zero pixels around it, which convolutions read: Conv2d says
// how wide.
struct FeatureMap {
  float* data = nullptr;  // pixel (0, 0)
  int height = 0;
  int width = 0;
  int channels = 0;
  std::ptrdiff_t pixel_stride = 0;  // floats
  std::ptrdiff_t row_stride = 0;    // floats

  float* at(int y, int x) const {
    return data + y * row_stride + x * pixel_stride;
  }
  std::ptrdiff_t pixels() const { return std::ptrdiff_t{height} * width; }
};

// A map and all of its border: `elements` floats from `base` on.
struct BorderedMap {
  FeatureMap map;
  const float* base = nullptr;
  std::size_t elements = 0;
};

}  // namespace fedgap::kernels

#endif  // FEDGAP_COMMON_NN_KERNELS_FEATURE_MAP_H_
