// One thread's scratch for one image at a time. Used by the engines only.
#ifndef FEDGAP_COMMON_NN_WORKSPACE_H_
#define FEDGAP_COMMON_NN_WORKSPACE_H_

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "common/nn/execution_plan.h"
#include "common/nn/kernels/conv2d.h"
#include "common/nn/kernels/feature_map.h"
#include "common/nn/kernels/kernels.h"
#include "common/tensor/image_view.h"
#include "common/tensor/parameters.h"

namespace fedgap {

// resize() leaves new elements as the memory is: scratch is written before it
// is read.
template <typename T>
struct UninitializedAllocator : AlignedAllocator<T> {
  UninitializedAllocator() = default;
  template <typename U>
  explicit UninitializedAllocator(const UninitializedAllocator<U>&) {}

  template <typename U>
  void construct(U* element) {
    ::new (static_cast<void*>(element)) U;
  }
};

// Maps for every value of a plan and, if wanted, for its gradient, in one
// arena that grows to what the largest image needs and is laid out anew when
// the image size changes. Not thread-safe; the plan must outlive it.
class Workspace {
 public:
  Workspace(const ExecutionPlan& plan, bool with_gradients);

  // Lays the maps out for images of `size`, which the model must accept.
  void Prepare(ImageSize size);

  const kernels::FeatureMap& value(int id) const {
    return values_[static_cast<std::size_t>(id)];
  }
  // Empty (null data) for values that are not trained. Those of an add and of
  // its inputs may be one memory: each stands from the backward pass of its
  // last reader to that of the step that makes the value.
  const kernels::FeatureMap& gradient(int id) const {
    return gradients_[static_cast<std::size_t>(id)];
  }
  kernels::BorderedMap bordered_value(int id) const {
    return Bordered(values_, values_at_, id);
  }
  kernels::BorderedMap bordered_gradient(int id) const {
    return Bordered(gradients_, gradients_at_, id);
  }
  // What a convolution of mixed precision needs.
  float* conversion() { return arena_.data() + conversion_at_; }
  const kernels::ConvGeometry& geometry(std::size_t step) const {
    return geometries_[step];
  }
  // Group norm's state; one row of channels for a global average pool.
  float* state(std::size_t step) { return arena_.data() + states_[step]; }
  // What a max pool and a norm that pools keep for the backward pass; null if
  // there is none.
  std::int32_t* winners(std::size_t step) {
    return with_gradients_ ? winners_.data() + winners_at_[step] : nullptr;
  }
  // Those of a norm, empty if it does not pool.
  kernels::NormWinners norm_winners(std::size_t step);

  std::size_t bytes() const;

  // What bytes() is after Prepare(size) of a new workspace; takes no memory for
  // maps.
  static std::size_t BytesFor(const ExecutionPlan& plan, bool with_gradients,
                              ImageSize size);

 private:
  struct Extent {
    std::size_t floats = 0;
    std::size_t winners = 0;
  };

  // Sizes, strides and borders of all maps, data not yet set.
  void ShapeMaps(ImageSize size);
  // Lays gradients in one memory out alike.
  void ShareBorders();
  // Sets the offsets of everything; returns where they end.
  Extent LayOut();
  // Makes room for it, its borders zeroed, and sets the maps' data.
  void PlaceMaps();
  void PrepareGeometries();
  std::size_t Elements(std::size_t id) const;
  kernels::BorderedMap Bordered(const std::vector<kernels::FeatureMap>& maps,
                                const std::vector<std::size_t>& at,
                                int id) const;

  const ExecutionPlan& plan_;
  bool with_gradients_;
  ImageSize size_;
  std::vector<kernels::Border> borders_;
  std::vector<kernels::FeatureMap> values_;
  std::vector<kernels::FeatureMap> gradients_;
  std::vector<kernels::ConvGeometry> geometries_;
  std::vector<std::size_t> values_at_;
  std::vector<std::size_t> gradients_at_;
  std::vector<std::size_t> states_;
  std::vector<std::size_t> winners_at_;
  std::vector<std::size_t> winner_inputs_at_;
  std::size_t conversion_at_ = 0;
  std::vector<float, UninitializedAllocator<float>> arena_;
  std::vector<std::int32_t, UninitializedAllocator<std::int32_t>> winners_;
};

}  // namespace fedgap

#endif  // FEDGAP_COMMON_NN_WORKSPACE_H_
