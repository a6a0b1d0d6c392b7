#include "client/console_listener.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "common/base/file_io.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using std::chrono::seconds;

class ConsoleListenerTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(
        log_, HumanLog::Create({.file = dir_ / "log", .to_console = false}));
    listener_ = std::make_unique<ConsoleListener>(*log_, clock_);
  }
  // Fails an attempt each second of `duration`.
  void FailFor(seconds duration, const std::string& cause) {
    for (seconds done(0); done < duration; done += seconds(1)) {
      listener_->OnDisconnected(absl::UnavailableError(cause), seconds(1));
      clock_.Advance(seconds(1));
    }
  }
  // How often `text` stands in the log.
  int Count(const std::string& text) {
    listener_.reset();
    log_.reset();
    const std::string all = ReadFileText(dir_ / "log").value();
    int count = 0;
    for (std::size_t at = all.find(text); at != all.npos;
         at = all.find(text, at + 1)) {
      ++count;
    }
    return count;
  }

  TempDir dir_;
  ManualClock clock_;
  std::unique_ptr<HumanLog> log_;
  std::unique_ptr<ConsoleListener> listener_;
};

TEST_F(ConsoleListenerTest, ALostServerIsToldOnce) {
  FailFor(seconds(60), "no connection");
  EXPECT_EQ(Count("no connection; trying again"), 1);
}

TEST_F(ConsoleListenerTest, ALostServerIsToldAgainEachMinute) {
  FailFor(seconds(181), "no connection");
  EXPECT_EQ(Count("no connection"), 4);
}

TEST_F(ConsoleListenerTest, TheMinutesAreThoseWithoutARun) {
  FailFor(seconds(62), "no connection");
  EXPECT_EQ(Count("not in the run for 1 min 0 s: no connection; still trying"),
            1);
}

TEST_F(ConsoleListenerTest, ANewLossIsToldAtOnce) {
  FailFor(seconds(10), "no connection");
  listener_->OnJoined({});
  FailFor(seconds(10), "no connection");
  EXPECT_EQ(Count("no connection; trying again"), 2);
}

}  // namespace
}  // namespace fedgap
