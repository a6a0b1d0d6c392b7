#include "common/telemetry/progress_printer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/telemetry/tee_event_sink.h"
#include "tests/common/telemetry/sample_events.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"

namespace fedgap {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class ProgressPrinterTest : public ::testing::Test {
 protected:
  void Emit(bool terminal, const std::vector<Event>& events) {
    if (printer_ == nullptr) {
      printer_ = std::make_unique<ProgressPrinter>(
          clock_, ProgressPrinter::Options{.terminal = terminal},
          [this](std::string_view text) { out_ += text; });
    }
    for (const Event& event : events) printer_->Emit(event);
    printer_->Drain();
  }
  ManualClock clock_;
  std::string out_;
  std::unique_ptr<ProgressPrinter> printer_;
};

TEST_F(ProgressPrinterTest, PlainLinesWhereThereIsNoTerminal) {
  Emit(false, SampleEvents());
  EXPECT_THAT(out_, Not(HasSubstr("\r")));
  EXPECT_THAT(
      out_, HasSubstr("round 1/3  2 clients  2.0 s  loss 1.000  accuracy 80.0 "
                      "% (worst 75.0, gap 10.0)  0.2 MB up  0.3 MB down  "
                      "ETA 4 s\n"));
  EXPECT_THAT(out_, HasSubstr("update of c refused: INVALID_ARGUMENT: NaN"));
  EXPECT_THAT(out_, HasSubstr("round 2 aborted (attempt 1): quorum missed\n"));
  EXPECT_THAT(out_, HasSubstr("b left: connection lost\n"));
}

TEST_F(ProgressPrinterTest, WritesOverTheLineOfTheRoundOnATerminal) {
  Emit(true, {SampleRunStarted(), SampleRoundStarted(1)});
  EXPECT_THAT(out_, EndsWith("\rround 1/3  0 of 2 updates  0.0 s"));
  clock_.Advance(std::chrono::milliseconds(1500));
  Emit(true, {SampleAccepted(1, "a", 0)});
  EXPECT_THAT(out_, EndsWith("\rround 1/3  1 of 2 updates  1.5 s"));
  out_.clear();
  Emit(true, {SampleCommitted(1)});
  EXPECT_THAT(out_, StartsWith("\rround 1/3  2 clients"));
  EXPECT_THAT(out_, EndsWith("\n"));
}

TEST_F(ProgressPrinterTest, ALineInMidRoundKeepsTheLiveLine) {
  Emit(true, {SampleRoundStarted(1)});
  out_.clear();
  Emit(true, {SampleJoined("late")});
  EXPECT_THAT(out_, HasSubstr("late joined, 100 images"));
  EXPECT_THAT(out_, EndsWith("0 of 2 updates  0.0 s"));
}

TEST_F(ProgressPrinterTest, HostileNamesCannotSteerTheTerminal) {
  Emit(false, {ClientLeftEvent{{"\x1b[2Jx\nround 9"}, "\r"}});
  EXPECT_EQ(out_, "?[2Jx?round 9 left: ?\n");
}

TEST_F(ProgressPrinterTest, WithoutAServerSetTheClientsAccuracyIsShown) {
  auto committed = SampleCommitted(1);
  committed.evaluated = false;
  Emit(false, {committed});
  EXPECT_THAT(out_, HasSubstr("clients' accuracy 40.0 % (worst 30.0"));
}

TEST(HumanDurationTest, PicksTheUnit) {
  EXPECT_EQ(HumanDuration(0.2), "0 s");
  EXPECT_EQ(HumanDuration(59.6), "1 min 0 s");
  EXPECT_EQ(HumanDuration(149), "2 min 29 s");
  EXPECT_EQ(HumanDuration(11520), "3 h 12 min");
}

TEST(TeeEventSinkTest, GivesEveryEventToEverySink) {
  RecordingEventSink a;
  RecordingEventSink b;
  TeeEventSink tee({&a, &b});
  tee.Emit(WarningEvent{"x"});
  tee.Flush();
  EXPECT_EQ(a.Of<WarningEvent>().size(), 1u);
  EXPECT_EQ(b.events().size(), 1u);
  EXPECT_EQ(b.flushes(), 1);
}

}  // namespace
}  // namespace fedgap
