// The plain definition of every kernel: what the fast ones are tested against
// and the place to read what they compute.
//
// Images are dense [height, width, channels], weights [kernel_h, kernel_w,
// in_channels / groups, out_channels]. Sums run in the order that the fast
// kernels use, with std::fma, so that results on a CPU with fused
// multiply-add must be equal bit by bit.
#ifndef FEDGAP_COMMON_NN_KERNELS_NAIVE_H_
#define FEDGAP_COMMON_NN_KERNELS_NAIVE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/nn/kernels/conv2d.h"
#include "common/nn/kernels/kernels.h"

namespace fedgap::kernels::naive {

struct Image {
  int height = 0;
  int width = 0;
  int channels = 0;
  std::vector<float> values;

  Image() = default;
  Image(int h, int w, int c)
      : height(h),
        width(w),
        channels(c),
        values(static_cast<std::size_t>(h) * static_cast<std::size_t>(w) *
               static_cast<std::size_t>(c)) {}
  float& at(int y, int x, int c) { return values[Index(y, x, c)]; }
  float at(int y, int x, int c) const { return values[Index(y, x, c)]; }
  // Zero outside.
  float padded(int y, int x, int c) const {
    const bool inside = y >= 0 && y < height && x >= 0 && x < width;
    return inside ? at(y, x, c) : 0.0f;
  }

 private:
  std::size_t Index(int y, int x, int c) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
            static_cast<std::size_t>(x)) *
               static_cast<std::size_t>(channels) +
           static_cast<std::size_t>(c);
  }
};

using Vector = std::vector<float>;

// `bias` may be empty.
Image ConvForward(const ConvShape& shape, const Image& in, const Vector& weight,
                  const Vector& bias);
Image ConvInputGradient(const ConvShape& shape, const Image& in,
                        const Vector& weight, const Image& out_gradient);
// Adds to weight_gradient.
void ConvWeightGradient(const ConvShape& shape, const Image& in,
                        const Image& out_gradient, Vector* weight_gradient);

Image Relu(const Image& in);
Image ReluGradient(const Image& y, const Image& out_gradient);
Image Add(const Image& a, const Image& b);

struct MaxPoolResult {
  Image out;
  std::vector<std::int32_t> winners;  // [height, width, channels]
};
MaxPoolResult MaxPool(const PoolWindow& window, const Image& in);
Image MaxPoolGradient(const PoolWindow& window, const Image& in,
                      const MaxPoolResult& forward, const Image& out_gradient);
Image AvgPool(const PoolWindow& window, const Image& in);
Image AvgPoolGradient(const PoolWindow& window, const Image& in,
                      const Image& out_gradient);

// Per channel, in the order of Kernels::channel_sums.
Vector ChannelSums(const Image& map);

// In double throughout; the fast form agrees within rounding.
Image GroupNorm(const Image& in, int groups, double epsilon,
                const Vector& scale, const Vector& shift);

// [classes] probabilities of one row of logits, in double.
std::vector<double> Softmax(const Vector& logits);

}  // namespace fedgap::kernels::naive

#endif  // FEDGAP_COMMON_NN_KERNELS_NAIVE_H_
