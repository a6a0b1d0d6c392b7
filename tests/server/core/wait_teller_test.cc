#include "server/core/wait_teller.h"

#include <gtest/gtest.h>

#include "tests/testing/manual_clock.h"

namespace fedgap {
namespace {

using std::chrono::seconds;

class WaitTellerTest : public testing::Test {
 protected:
  std::string After(seconds duration, const std::string& wait) {
    clock_.Advance(duration);
    return teller_.Tell(wait, clock_.Now());
  }

  ManualClock clock_;
  WaitTeller teller_;
};

TEST_F(WaitTellerTest, TellsAWaitAtOnceAndEachMinute) {
  EXPECT_EQ(After(seconds(0), "1 of 2"), "1 of 2");
  EXPECT_EQ(teller_.next(), clock_.Now() + seconds(60));
  EXPECT_EQ(After(seconds(59), "1 of 2"), "");
  EXPECT_EQ(teller_.next(), clock_.Now() + seconds(1));
  EXPECT_EQ(After(seconds(1), "1 of 2"), "1 of 2");
}

TEST_F(WaitTellerTest, TellsClientsWhoComeTogetherInOneLine) {
  EXPECT_EQ(After(seconds(0), "0 of 3"), "0 of 3");
  EXPECT_EQ(After(seconds(1), "1 of 3"), "");
  EXPECT_EQ(After(seconds(1), "2 of 3"), "");
  EXPECT_EQ(teller_.next(), clock_.Now() + seconds(3));
  EXPECT_EQ(After(seconds(3), "2 of 3"), "2 of 3");
}

TEST_F(WaitTellerTest, SaysNothingAtWorkAndTheNextWaitAtOnce) {
  EXPECT_EQ(After(seconds(0), "waits"), "waits");
  EXPECT_EQ(After(seconds(1), ""), "");
  EXPECT_EQ(teller_.next(), std::nullopt);
  EXPECT_EQ(After(seconds(1), "waits"), "waits");
}

}  // namespace
}  // namespace fedgap
