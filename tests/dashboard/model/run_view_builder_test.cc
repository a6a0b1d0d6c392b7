#include "dashboard/model/run_view_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tests/testing/golden_log.h"
#include "tests/testing/status_matchers.h"

namespace fedgap {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

void TakeAll(const std::string& log, RunViewBuilder& builder) {
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const auto logged = ParseEventLine(line);
    ASSERT_OK(logged);
    builder.Take(*logged, line);
  }
}

const ClientView& ClientOf(const RunView& view, const std::string& name) {
  for (const ClientView& client : view.clients) {
    if (client.name == name) return client;
  }
  ADD_FAILURE() << "no client " << name;
  return view.clients.front();
}

class RunViewBuilderTest : public ::testing::Test {
 protected:
  const RunView& After(int lines) {
    TakeAll(GoldenLog(lines), builder_);
    return builder_.view();
  }
  RunViewBuilder builder_;
};

TEST_F(RunViewBuilderTest, HoldsTheRoundsOfAWholeRun) {
  const RunView& view = After(40);
  EXPECT_EQ(view.started->name, "golden");
  ASSERT_THAT(view.rounds, SizeIs(5));
  EXPECT_THAT(view.rounds[4].fairness->mean, DoubleNear(0.7326667, 1e-6));
  EXPECT_THAT(view.rounds[4].fairness->worst, DoubleNear(0.655, 1e-9));
  EXPECT_EQ(view.rounds[4].bytes_up, 300000);
  EXPECT_EQ(view.rounds[2].attempts, 2);
  EXPECT_EQ(view.rounds[2].rejected, 1);
  EXPECT_EQ(view.rounds[3].attempts, 1);
  EXPECT_EQ(view.rounds[3].rejected, 0);
  EXPECT_EQ(view.rounds[2].ending, "departures");
  EXPECT_EQ(view.accepted, 4 + 4 + 3 + 3 + 3) << "of the aborted attempt none";
  EXPECT_EQ(view.rejected, 1);
  EXPECT_EQ(view.aborted, 1);
  EXPECT_EQ(view.finished->reason, "completed");
  EXPECT_FALSE(view.EtaSeconds().has_value());
}

TEST_F(RunViewBuilderTest, VirtualTimeOfARoundThatIsDoneAgainCountsOnce) {
  const auto take = [this](const Event& event) {
    builder_.Take({.header = {}, .event = event}, "");
  };
  VirtualRoundEvent attempt;
  attempt.round = 1;
  attempt.seconds = 10;
  take(RunStartedEvent{});
  take(attempt);
  take(RunStartedEvent{});
  take(attempt);
  EXPECT_EQ(builder_.view().virtual_seconds, 10);
}

TEST_F(RunViewBuilderTest, SharesAreThoseOfTheLog) {
  const RoundView& round = After(40).rounds[0];
  ASSERT_THAT(round.groups, SizeIs(3));
  EXPECT_EQ(round.groups[2].clients, 2);
  EXPECT_DOUBLE_EQ(round.groups[2].influence, 0.5);
  EXPECT_DOUBLE_EQ(round.groups[2].client_share, 0.5);
  EXPECT_THAT(
      round.groups[0].pixel_share,
      DoubleNear(176400.0 / (176400 + 360000 + 1411200 + 1440000), 1e-9));
  EXPECT_EQ(round.groups[2].samples, 2700);
  EXPECT_EQ(round.groups[1].evaluation->correct, 350);
  EXPECT_EQ(round.groups[1].prototypes->correct, 330);
}

TEST_F(RunViewBuilderTest, HeldOutPartsBelongToTheModelThatWasMeasured) {
  const RunView& view = After(40);
  // What the cohort of round 2 measured is of the model after round 1.
  EXPECT_THAT(view.rounds[0].groups[0].held_out->accuracy(),
              DoubleNear(0.45, 1e-9));
  EXPECT_THAT(view.rounds[4].groups[0].held_out->accuracy(),
              DoubleNear(0.65, 1e-9))
      << "of the final evaluation";
}

TEST_F(RunViewBuilderTest, ARoundsTimeIsSplitByTheUpdateThatCameLast) {
  const RoundSeconds& seconds = After(40).rounds[0].seconds;
  EXPECT_DOUBLE_EQ(seconds.train, 2.5);
  EXPECT_DOUBLE_EQ(seconds.transfer, 0.5);
  EXPECT_DOUBLE_EQ(seconds.wait, 1.0);
  EXPECT_DOUBLE_EQ(seconds.aggregate, 0.25);
  EXPECT_DOUBLE_EQ(seconds.other, 0.0);
  EXPECT_DOUBLE_EQ(seconds.wait + seconds.train + seconds.transfer +
                       seconds.aggregate + seconds.evaluate + seconds.commit +
                       seconds.other,
                   seconds.total);
}

TEST_F(RunViewBuilderTest, HoldsTheClients) {
  const RunView& view = After(40);
  ASSERT_THAT(view.clients, SizeIs(4));
  const ClientView& c = ClientOf(view, "site-c");
  EXPECT_EQ(c.samples, 2000);
  EXPECT_EQ(c.accepted, 4);
  EXPECT_EQ(c.rejected, 1);
  EXPECT_EQ(c.bytes, 400000);
  EXPECT_THAT(c.groups, ElementsAre(2));
  ASSERT_THAT(c.rejections, SizeIs(1));
  EXPECT_EQ(c.rejections[0].round, 3);
  EXPECT_THAT(c.rejections[0].reason, HasSubstr("not finite"));
  ASSERT_THAT(c.history.points(), SizeIs(4));
  EXPECT_DOUBLE_EQ(c.history.points()[1].cosine, -0.25);
  EXPECT_DOUBLE_EQ(c.influence, 1.0 / 3);
  const ClientView& d = ClientOf(view, "site-d");
  EXPECT_EQ(d.connected, false);
  EXPECT_EQ(d.left_reason, "connection lost");
  EXPECT_EQ(ClientOf(view, "site-a").connected, true);
}

TEST_F(RunViewBuilderTest, ShowsARoundThatIsOpen) {
  const RunView& view = After(15);
  EXPECT_EQ(view.open.round, 2);
  EXPECT_EQ(view.open.cohort, 4);
  EXPECT_EQ(view.open.received, 3);
  EXPECT_EQ(view.accepted, 4) << "updates count once their round is committed";
  EXPECT_THAT(*view.EtaSeconds(), DoubleNear(4 * 5.0, 1e-9));
}

TEST_F(RunViewBuilderTest, ARestartRunsTheOpenRoundAgain) {
  const std::string log = GoldenLog();
  const std::string started = log.substr(0, log.find('\n') + 1);
  TakeAll(GoldenLog(31), builder_);
  TakeAll(Replaced(Replaced(started, "\"resumed\":false", "\"resumed\":true"),
                   "\"last_committed\":0", "\"last_committed\":2"),
          builder_);
  const RunView& view = builder_.view();
  EXPECT_EQ(view.starts, 2);
  EXPECT_THAT(view.rounds, SizeIs(2));
  EXPECT_EQ(view.open.round, 0);
  EXPECT_EQ(ClientOf(view, "site-a").connected, false);
  EXPECT_THAT(ClientOf(view, "site-a").history.points(), SizeIs(2));
}

TEST_F(RunViewBuilderTest, KeepsTheNewestEventsOfEachLevel) {
  After(40);
  const auto events = builder_.Events();
  ASSERT_THAT(events, SizeIs(40));
  EXPECT_EQ(events.front().seq, 1U);
  EXPECT_EQ(events.back().type, "run_finished");
  EXPECT_THAT(builder_.Events(38), ElementsAre(Field(&EventRow::seq, 39U),
                                               Field(&EventRow::seq, 40U)));
  // Many updates do not push the warnings out.
  std::string update = GoldenLog(7);
  update = update.substr(update.rfind('\n', update.size() - 2) + 1);
  for (std::size_t i = 0; i <= RunViewBuilder::kEventsKept; ++i) {
    TakeAll(Replaced(update, "\"seq\":7,",
                     "\"seq\":" + std::to_string(41 + i) + ","),
            builder_);
  }
  const auto later = builder_.Events();
  EXPECT_EQ(builder_.events_seen(),
            static_cast<std::int64_t>(41 + RunViewBuilder::kEventsKept));
  std::size_t debug = 0;
  std::size_t warnings = 0;
  for (const EventRow& row : later) {
    debug += row.level == EventLevel::kDebug;
    warnings += row.level == EventLevel::kWarning;
  }
  EXPECT_EQ(debug, RunViewBuilder::kEventsKept);
  EXPECT_EQ(warnings, 4U);
  EXPECT_EQ(later.back().seq, 41 + RunViewBuilder::kEventsKept);
}

TEST_F(RunViewBuilderTest, AnEmptyLogHasNoNumbers) {
  EXPECT_THAT(builder_.Events(), IsEmpty());
  EXPECT_FALSE(builder_.view().EtaSeconds().has_value());
}

}  // namespace
}  // namespace fedgap
