#include "common/base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace fedgap {
namespace {

TEST(ThreadPoolTest, RunsEveryIndexOnceWithAThreadInRange) {
  for (int threads = 1; threads <= 4; ++threads) {
    ThreadPool pool(threads);
    for (int repeat = 0; repeat < 50; ++repeat) {
      std::vector<std::atomic<int>> seen(37);
      pool.ParallelFor(37, [&](int index, int thread) {
        ASSERT_GE(thread, 0);
        ASSERT_LT(thread, threads);
        ++seen[static_cast<std::size_t>(index)];
      });
      for (const auto& count : seen) EXPECT_EQ(count, 1);
    }
  }
}

TEST(ThreadPoolTest, AnEmptyLoopReturnsAtOnce) {
  ThreadPool pool(2);
  pool.ParallelFor(0, [](int, int) { FAIL(); });
}

TEST(ThreadPoolTest, ConcurrentCallersTakeTurns) {
  ThreadPool pool(2);
  std::atomic<int> total = 0;
  std::thread other([&] {
    for (int i = 0; i < 50; ++i) {
      pool.ParallelFor(5, [&](int, int) { ++total; });
    }
  });
  for (int i = 0; i < 50; ++i) {
    pool.ParallelFor(5, [&](int, int) { ++total; });
  }
  other.join();
  EXPECT_EQ(total, 500);
}

}  // namespace
}  // namespace fedgap
