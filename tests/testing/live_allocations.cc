#include "tests/testing/live_allocations.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::int64_t> live_count = 0;
std::atomic<std::int64_t> live_bytes = 0;

void* Counted(void* memory) {
  if (memory == nullptr) std::abort();  // nothing here catches bad_alloc
  live_count += 1;
  live_bytes += static_cast<std::int64_t>(malloc_usable_size(memory));
  return memory;
}

void Free(void* memory) {
  if (memory == nullptr) return;
  live_count -= 1;
  live_bytes -= static_cast<std::int64_t>(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

// The other forms of new and delete, of arrays too, end in these.
void* operator new(std::size_t size) {
  return Counted(std::malloc(size > 0 ? size : 1));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return Counted(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}
void operator delete(void* memory) noexcept { Free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  Free(memory);
}
void operator delete(void* memory, std::align_val_t /*alignment*/) noexcept {
  Free(memory);
}
void operator delete(void* memory, std::size_t /*size*/,
                     std::align_val_t /*alignment*/) noexcept {
  Free(memory);
}

namespace fedgap {

LiveAllocations CountLiveAllocations() { return {live_count, live_bytes}; }

}  // namespace fedgap
