#include "common/tensor/large_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>

#include "common/tensor/parameters.h"

namespace fedgap {
namespace {

TEST(LargeMemoryTest, EveryByteOfItIsThere) {
  for (const std::size_t bytes :
       {kLargeMemoryBytes, kLargeMemoryBytes + 1, 3 * kLargeMemoryBytes - 1}) {
    auto* const memory = static_cast<char*>(AllocateLarge(bytes));
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % (2 << 20), 0u);
    std::memset(memory, 7, bytes);
    EXPECT_EQ(memory[0], 7);
    EXPECT_EQ(memory[bytes - 1], 7);
    FreeLarge(memory, bytes);
  }
}

TEST(LargeMemoryTest, BuffersGrowFromSmallToLarge) {
  Parameters parameters;
  const std::size_t large = kLargeMemoryBytes / sizeof(float);
  for (std::size_t i = 0; i < 3 * large; ++i) {
    parameters.push_back(static_cast<float>(i));
  }
  for (std::size_t i = 0; i < 3 * large; i += 1000) {
    ASSERT_EQ(parameters[i], static_cast<float>(i));
  }
  parameters.resize(10);
  parameters.shrink_to_fit();
  EXPECT_EQ(parameters[9], 9.0F);
}

TEST(LargeMemoryTest, WhatDoesNotFitIsABadAllocation) {
  AlignedAllocator<float> allocator;
  EXPECT_THROW(allocator.allocate(std::numeric_limits<std::size_t>::max() / 2),
               std::bad_alloc);
}

}  // namespace
}  // namespace fedgap
