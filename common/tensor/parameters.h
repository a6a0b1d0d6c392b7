// All of a model's tensors in one flat buffer.
#ifndef FEDGAP_COMMON_TENSOR_PARAMETERS_H_
#define FEDGAP_COMMON_TENSOR_PARAMETERS_H_

#include <cstddef>
#include <cstdlib>
#include <new>
#include <span>
#include <vector>

#include "common/tensor/large_memory.h"

namespace fedgap {

// Allocates on cache-line boundaries, so that kernels can load aligned, and
// what is large in huge pages.
template <typename T>
struct AlignedAllocator {
  using value_type = T;
  static constexpr std::align_val_t kAlignment{64};

  AlignedAllocator() = default;
  template <typename U>
  explicit AlignedAllocator(const AlignedAllocator<U>&) {}

  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T))
      throw std::bad_alloc();
    const std::size_t bytes = count * sizeof(T);
    void* const memory = bytes < kLargeMemoryBytes
                             ? ::operator new(bytes, kAlignment)
                             : AllocateLarge(bytes);
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (bytes < kLargeMemoryBytes) {
      ::operator delete(memory, kAlignment);
    } else {
      FreeLarge(memory, bytes);
    }
  }
  template <typename U>
  bool operator==(const AlignedAllocator<U>&) const {
    return true;
  }
};

// A flat float32 buffer in layout order, 64-byte aligned. Which Layout it
// follows is known from where it stands (a Model, a run, a checkpoint).
using Parameters = std::vector<float, AlignedAllocator<float>>;

}  // namespace fedgap

#endif  // FEDGAP_COMMON_TENSOR_PARAMETERS_H_
