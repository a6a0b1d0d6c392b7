#include "common/base/available_cpus.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <thread>

namespace fedgap {
namespace {

TEST(AvailableCpusTest, AreThoseThatTheProcessIsBoundTo) {
  EXPECT_GE(AvailableCpus(), 1);
  // A thread of its own: the binding ends with it.
  std::thread([] {
    cpu_set_t allowed;
    ASSERT_EQ(::sched_getaffinity(0, sizeof(allowed), &allowed), 0);
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    CPU_ZERO(&allowed);
    CPU_SET(first, &allowed);
    ASSERT_EQ(::sched_setaffinity(0, sizeof(allowed), &allowed), 0);
    EXPECT_EQ(AvailableCpus(), 1);
  }).join();
}

TEST(ThreadsForTest, NoneWantedAreAllThatCanRun) {
  EXPECT_EQ(ThreadsFor(3), 3);
  EXPECT_EQ(ThreadsFor(0), AvailableCpus());
}

}  // namespace
}  // namespace fedgap
