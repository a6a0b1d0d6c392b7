#include "common/tensor/large_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__)  // g++
#define FEDGAP_RED_ZONES
#elif defined(__has_feature)  // clang++
#if __has_feature(address_sanitizer)
#define FEDGAP_RED_ZONES
#endif
#endif

namespace fedgap {
namespace {

constexpr std::size_t kHugePage = 2 << 20;

[[maybe_unused]] std::size_t RoundUp(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

[[maybe_unused]] std::size_t WholePages(std::size_t bytes) {
  return RoundUp(bytes, static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)));
}

}  // namespace

#ifdef FEDGAP_RED_ZONES

// Whose red zones find what a kernel reads beyond the end.
void* AllocateLarge(std::size_t bytes) {
  return ::operator new (bytes, std::align_val_t{kHugePage});
}

void FreeLarge(void* memory, std::size_t) {
  ::operator delete (memory, std::align_val_t{kHugePage});
}

#else

void* AllocateLarge(std::size_t bytes) {
  const std::size_t size = WholePages(bytes);
  if (size < bytes || size + kHugePage < size) throw std::bad_alloc();
  void* const mapped = ::mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  // The addresses before the boundary and behind the end go back.
  auto* const first = static_cast<char*>(mapped);
  const auto address = reinterpret_cast<std::uintptr_t>(mapped);
  const std::size_t before = RoundUp(address, kHugePage) - address;
  char* const memory = first + before;
  if (before > 0) ::munmap(first, before);
  ::munmap(memory + size, kHugePage - before);
  // A wish: small pages serve as well.
  ::madvise(memory, size / kHugePage * kHugePage, MADV_HUGEPAGE);
  return memory;
}

void FreeLarge(void* memory, std::size_t bytes) {
  ::munmap(memory, WholePages(bytes));
}

#endif

}  // namespace fedgap
