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
  for (std::size_t i = 0; i < RefusalLog::kMostAMinute + 5; ++i) {
    log_.Note("ipv4:10.0.0.7:1",
              absl::PermissionDeniedError("name " + std::to_string(i)));
  }
  EXPECT_THAT(lines_, SizeIs(RefusalLog::kMostAMinute));
  clock_.Advance(std::chrono::minutes(1));
  lines_.clear();
  log_.Note("ipv4:10.0.0.7:1", absl::PermissionDeniedError("again"));
  EXPECT_THAT(lines_, ElementsAre("refused 5 more calls before",
                                  "refused a call from ipv4:10.0.0.7: again"));
}

}  // namespace
}  // namespace fedgap
