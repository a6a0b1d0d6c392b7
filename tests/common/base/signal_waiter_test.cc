#include "common/base/signal_waiter.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <csignal>
#include <future>

namespace fedgap {
namespace {

TEST(SignalWaiterTest, HandsOverTheFirstSignalOnAThread) {
  std::promise<int> told;
  SignalWaiter waiter([&told](int signal) { told.set_value(signal); });
  ASSERT_EQ(::kill(::getpid(), SIGTERM), 0);
  EXPECT_EQ(told.get_future().get(), SIGTERM);
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
