#include "server/rpc/refusal_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/manual_clock.h"

namespace fedgap {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

class RefusalLogTest : public testing::Test {
 protected:
  ManualClock clock_;
  std::vector<std::string> lines_;
  RefusalLog log_{clock_,
                  [this](const std::string& line) { lines_.push_back(line); }};
};

TEST_F(RefusalLogTest, TellsTheSameOnceAMinute) {
  const Status why = absl::PermissionDeniedError("the wrong role");
  log_.Note("ipv4:10.0.0.7:41234", why);
  log_.Note("ipv4:10.0.0.7:41235", why);
  EXPECT_THAT(lines_,
              ElementsAre("refused a call from ipv4:10.0.0.7: the wrong role"));
  log_.Note("ipv4:10.0.0.8:1", why);
  EXPECT_THAT(lines_, SizeIs(2));
  clock_.Advance(std::chrono::minutes(1));
  log_.Note("ipv4:10.0.0.7:41236", why);
  EXPECT_THAT(lines_, SizeIs(3));
}

TEST_F(RefusalLogTest, AFloodIsCounted) {
  const auto machine = [](std::size_t i) {
    return "ipv4:10.0.0." + std::to_string(i) + ":1";
  };
  for (std::size_t i = 0; i < RefusalLog::kMostAMinute + 5; ++i) {
    log_.Note(machine(i), absl::PermissionDeniedError("no"));
  }
  EXPECT_THAT(lines_, SizeIs(RefusalLog::kMostAMinute));
  clock_.Advance(std::chrono::minutes(1));
  lines_.clear();
  log_.Note(machine(7), absl::PermissionDeniedError("again"));
  EXPECT_THAT(lines_, ElementsAre("refused 5 more calls before",
                                  "refused a call from ipv4:10.0.0.7: again"));
}

TEST_F(RefusalLogTest, OneMachineDoesNotHideTheOthers) {
  for (int i = 0; i < 100; ++i) {
    log_.Note("ipv4:10.0.0.7:1",
              absl::PermissionDeniedError("name " + std::to_string(i)));
  }
  EXPECT_THAT(lines_, SizeIs(RefusalLog::kMostOfOneMachine));
  log_.Note("ipv4:10.0.0.8:1",
            absl::PermissionDeniedError(std::string(2000, 'x')));
  ASSERT_THAT(lines_, SizeIs(RefusalLog::kMostOfOneMachine + 1));
  EXPECT_THAT(lines_.back(), SizeIs(RefusalLog::kLongest + 3));
}

}  // namespace
}  // namespace fedgap
