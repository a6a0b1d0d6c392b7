#include "server/store/recorded_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(RecordedRunTest, AnObserverGetsTheLogAndThenWhatHappens) {
  const TempDir dir;
  const ManualClock clock;
  std::vector<std::string> recorded;
  RecordingEventSink observer;
  const auto open = [&] {
    return RecordedRun::Open(
        {.directory = dir / "run",
         .config_toml = "",
         .progress = false,
         .on_recorded =
             [&recorded](const LoggedEvent& logged) {
               recorded.push_back(std::get<WarningEvent>(logged.event).message);
             },
         .observer = &observer},
        clock);
  };
  {
    const auto run = open();
    ASSERT_OK(run);
    EXPECT_THAT(recorded, IsEmpty());
    (*run)->events().Emit(WarningEvent{"one"});
    EXPECT_EQ(observer.Of<WarningEvent>().size(), 1U);
    ASSERT_OK((*run)->WriteReport());
  }
  const auto run = open();
  ASSERT_OK(run);
  EXPECT_THAT(recorded, ElementsAre("one"));
  EXPECT_EQ(observer.Of<WarningEvent>().size(), 1U) << "not told again";
  (*run)->events().Emit(WarningEvent{"two"});
  EXPECT_EQ(observer.Of<WarningEvent>().back().message, "two");
}

}  // namespace
}  // namespace fedgap
