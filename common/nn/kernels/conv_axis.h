// One axis of a convolution: which outputs meet which inputs.
#ifndef FEDGAP_COMMON_NN_KERNELS_CONV_AXIS_H_
#define FEDGAP_COMMON_NN_KERNELS_CONV_AXIS_H_

#include <algorithm>
#include <array>
#include <vector>

namespace fedgap::kernels {

// Outputs o = 0, 1, ... read the inputs o stride - padding + tap dilation.
class ConvAxis {
 public:
  ConvAxis(int kernel, int stride, int padding, int dilation)
      : kernel_(kernel),
        stride_(stride),
        padding_(padding),
        dilation_(dilation) {}

  int outputs(int in) const {
    const int room = in + 2 * padding_ - reach() - 1;
    return room < 0 ? 0 : room / stride_ + 1;
  }
  // Pixels read before the first and after the last input.
  std::array<int, 2> InputBorder(int in) const {
    const int last = (outputs(in) - 1) * stride_ - padding_ + reach();
    return {padding_, std::max(0, last - (in - 1))};
  }
  // The same for the outputs that GradientSegments(in, false) read.
  std::array<int, 2> GradientBorder(int in) const;

  // Input i gets products of the outputs (i + padding - tap dilation) / stride,
  // for the taps where that is whole.
  bool Reaches(int tap, int input) const {
    return (input + padding_ - tap * dilation_) % stride_ == 0;
  }
  int OutputOf(int tap, int input) const {
    return (input + padding_ - tap * dilation_) / stride_;
  }

  // `count` inputs from `first` on, `stride` apart, that meet the same taps
  // (in falling order, as the weights for gradients are flipped).
  struct Segment {
    int first = 0;
    int count = 0;
    std::vector<int> taps;
  };
  // All inputs. `clipped`: taps whose output does not exist are left out, which
  // takes more segments; else there is one segment for each phase of the
  // stride, and outputs in the border, all zero, are read as well.
  std::vector<Segment> GradientSegments(int in, bool clipped) const;

 private:
  int reach() const { return (kernel_ - 1) * dilation_; }
  std::vector<int> TapsOf(int input, int in, bool clipped) const;

  int kernel_;
  int stride_;
  int padding_;
  int dilation_;
};

}  // namespace fedgap::kernels

#endif  // FEDGAP_COMMON_NN_KERNELS_CONV_AXIS_H_
