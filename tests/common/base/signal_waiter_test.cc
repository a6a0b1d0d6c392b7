#include "common/base/signal_waiter.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <future>
#include <thread>

namespace fedgap {
namespace {

TEST(SignalWaiterTest, HandsOverTheFirstSignalOnAThread) {
  std::promise<int> told;
  SignalWaiter waiter([&told](int signal) { told.set_value(signal); });
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_EQ(told.get_future().get(), SIGTERM);
}

TEST(SignalWaiterTest, ATargetHearsOfTheSignalThatCameBeforeIt) {
  std::promise<void> told;
  SignalWaiter waiter([&told](int) { told.set_value(); });
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  told.get_future().wait();
  std::promise<int> heard;
  waiter.Attach([&heard](int signal) { heard.set_value(signal); });
  EXPECT_EQ(heard.get_future().get(), SIGTERM);
  waiter.Detach();
  EXPECT_EQ(waiter.signalled(), SIGTERM);
}

// What the target uses goes right after Detach.
TEST(SignalWaiterTest, DetachWaitsForTheCallUnderWay) {
  SignalWaiter waiter;
  std::promise<void> called, go_on;
  std::atomic<bool> done = false;
  waiter.Attach([&](int) {
    called.set_value();
    go_on.get_future().wait();
    done = true;
  });
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  called.get_future().wait();
  std::thread releaser([&go_on] { go_on.set_value(); });
  waiter.Detach();
  EXPECT_TRUE(done);
  releaser.join();
}

TEST(SignalWaiterTest, ADetachedTargetIsNotCalled) {
  std::promise<void> told;
  SignalWaiter waiter([&told](int) { told.set_value(); });
  waiter.Attach([](int) { FAIL(); });
  waiter.Detach();
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  told.get_future().wait();
}

TEST(SignalWaiterTest, EndsWithoutASignal) {
  SignalWaiter waiter([](int) { FAIL(); });
}

TEST(SignalWaiterDeathTest, ASecondSignalEndsTheProcess) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        std::promise<void> told;
        SignalWaiter waiter([&told](int) { told.set_value(); });
        ::kill(::getpid(), SIGINT);
        told.get_future().wait();
        ::kill(::getpid(), SIGTERM);
        ::pause();
      },
      ::testing::ExitedWithCode(128 + SIGTERM), "");
}

}  // namespace
}  // namespace fedgap
