#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "common/nn/kernels/elementwise_kernels.cc"
// clang-format off
#include "common/nn/kernels/highway_targets.h"
#include "hwy/foreach_target.h"
// clang-format on

#include "common/nn/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace fedgap::kernels::HWY_NAMESPACE {
namespace {

// Calls visit(offset in the row) for each vector of a row of a padded map.
template <typename Visitor>
HWY_INLINE void ForEachVector(const FeatureMap& map, const Visitor& visit) {
  const std::ptrdiff_t row = map.width * map.pixel_stride;
  for (std::ptrdiff_t i = 0; i < row; i += kLanes) visit(i);
}

HWY_INLINE void StoreAt(FloatVector value, float* to, std::ptrdiff_t i) {
  hn::Store(value, FloatTag(), to + i);
}

void ReluForward(const FeatureMap& in, const FeatureMap& out) {
  for (int y = 0; y < in.height; ++y) {
    const float* x = in.at(y, 0);
    float* to = out.at(y, 0);
    ForEachVector(in, [&](std::ptrdiff_t i)
                          HWY_ATTR { StoreAt(Relu(LoadAt(x, i)), to, i); });
  }
}

void ReluBackward(const FeatureMap& y_map, const FeatureMap& out_gradient,
                  bool accumulate, const FeatureMap& in_gradient) {
  for (int y = 0; y < y_map.height; ++y) {
    const float* value = y_map.at(y, 0);
    const float* d = out_gradient.at(y, 0);
    float* to = in_gradient.at(y, 0);
    if (accumulate) {
      ForEachVector(y_map, [&](std::ptrdiff_t i) HWY_ATTR {
        const auto masked = ReluGradient(LoadAt(value, i), LoadAt(d, i));
        StoreAt(hn::Add(LoadAt(to, i), masked), to, i);
      });
    } else {
      ForEachVector(y_map, [&](std::ptrdiff_t i) HWY_ATTR {
        StoreAt(ReluGradient(LoadAt(value, i), LoadAt(d, i)), to, i);
      });
    }
  }
}

void AddMaps(const FeatureMap& a, const FeatureMap& b, bool relu,
             const FeatureMap& out) {
  for (int y = 0; y < a.height; ++y) {
    const float* left = a.at(y, 0);
    const float* right = b.at(y, 0);
    float* to = out.at(y, 0);
    ForEachVector(a, [&](std::ptrdiff_t i) HWY_ATTR {
      auto sum = hn::Add(LoadAt(left, i), LoadAt(right, i));
      if (relu) sum = Relu(sum);
      StoreAt(sum, to, i);
    });
  }
}

void CopyMap(const FeatureMap& from, bool accumulate, const FeatureMap& to) {
  for (int y = 0; y < from.height; ++y) {
    const float* source = from.at(y, 0);
    float* target = to.at(y, 0);
    ForEachVector(from, [&](std::ptrdiff_t i) HWY_ATTR {
      auto value = LoadAt(source, i);
      if (accumulate) value = hn::Add(LoadAt(target, i), value);
      StoreAt(value, target, i);
    });
  }
}

void Broadcast(const float* values, const FeatureMap* mask, bool accumulate,
               const FeatureMap& map) {
  for (int y = 0; y < map.height; ++y) {
    for (std::ptrdiff_t c = 0; c < map.pixel_stride; c += kLanes) {
      const auto value = LoadAt(values, c);
      float* to = map.at(y, 0) + c;
      const float* sign = mask == nullptr ? nullptr : mask->at(y, 0) + c;
      for (int x = 0; x < map.width; ++x) {
        auto result = value;
        if (sign != nullptr) {
          result = ReluGradient(LoadAt(sign, x * mask->pixel_stride), value);
        }
        const std::ptrdiff_t at = x * map.pixel_stride;
        if (accumulate) result = hn::Add(LoadAt(to, at), result);
        StoreAt(result, to, at);
      }
    }
  }
}

}  // namespace

void AddElementwise(Kernels& kernels) {
  kernels.relu = ReluForward;
  kernels.relu_gradient = ReluBackward;
  kernels.add = AddMaps;
  kernels.copy = CopyMap;
  kernels.broadcast = Broadcast;
}

}  // namespace fedgap::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace fedgap::kernels {

HWY_EXPORT(AddElementwise);

void AddElementwiseKernels(std::int64_t target, Kernels& kernels) {
  FEDGAP_CALL_FOR_TARGET(target, AddElementwise, kernels);
}

}  // namespace fedgap::kernels
#endif  // HWY_ONCE
