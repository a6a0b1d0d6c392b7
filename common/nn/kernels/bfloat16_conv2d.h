// A convolution whose products are of bfloat16 and whose sums, weights and maps
// are float32: mixed precision (Micikevicius et al., "Mixed Precision
// Training", 2018; with bfloat16, which needs no loss scaling: Kalamkar et al.,
// "A Study of BFLOAT16 for Deep Learning Training", 2019).
//
// The kernels multiply pairs. In the forward pass and for the input gradient a
// pair is two channels of a pixel, so that either is a Conv2d of half as many
// channels; for the weight gradient it is one channel of two rows of outputs,
// and of the inputs that belong to them, so that the maps keep their shape and
// every second row is visited. Maps are converted into scratch just before.
#ifndef FEDGAP_COMMON_NN_KERNELS_BFLOAT16_CONV2D_H_
#define FEDGAP_COMMON_NN_KERNELS_BFLOAT16_CONV2D_H_

#include <cstddef>

#include "common/nn/kernels/conv2d.h"
#include "common/nn/kernels/feature_map.h"
#include "common/nn/kernels/kernels.h"

namespace fedgap::kernels {

// Immutable and thread-safe. Weights' gradients are laid out as Conv2d's.
class Bfloat16Conv2d {
 public:
  // Only without groups. `padded_input`: whether the input is a padded map.
  Bfloat16Conv2d(const ConvShape& shape, bool padded_input);

  // Whether pairs of channels are fewer than channels; else that pass, and its
  // packed weights, are Conv2d's.
  bool pairs_inputs() const { return pairs_inputs_; }
  bool pairs_outputs() const { return pairs_outputs_; }
  // Whether the weight gradient of so many rows of outputs takes them in pairs.
  bool PairsRows(int out_height) const;

  std::size_t forward_elements() const;
  std::size_t backward_elements() const;
  void PackForward(const float* weight, float* packed) const;
  void PackBackward(const float* weight, float* packed) const;

  // As Conv2d's; `geometry` is this convolution's alone.
  void PrepareForward(const FeatureMap& in, ConvGeometry* geometry) const;
  void PrepareInputGradient(const FeatureMap& in_gradient,
                            const FeatureMap& out_gradient,
                            ConvGeometry* geometry) const;

  // Floats of scratch, 64-byte aligned, that any of the passes needs where the
  // bordered maps have so many floats.
  static std::size_t ScratchElements(std::size_t in, std::size_t out);

  // As Conv2d's; the maps of `args` are those of the bordered ones.
  void Forward(const Kernels& kernels, const ConvGeometry& geometry,
               const BorderedMap& in, Conv2d::ForwardArgs args,
               float* scratch) const;
  void InputGradient(const Kernels& kernels, const ConvGeometry& geometry,
                     const BorderedMap& out_gradient,
                     Conv2d::InputGradientArgs args, float* scratch) const;
  void WeightGradient(const Kernels& kernels, const ConvGeometry& geometry,
                      const BorderedMap& in, const BorderedMap& out_gradient,
                      float* weight_gradient, bool accumulate,
                      float* scratch) const;

 private:
  Conv2d whole_;
  bool pairs_inputs_;
  bool pairs_outputs_;
  // `whole_` where they are not paired.
  Conv2d forward_;
  Conv2d backward_;
};

}  // namespace fedgap::kernels

#endif  // FEDGAP_COMMON_NN_KERNELS_BFLOAT16_CONV2D_H_
