#include "sim/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/telemetry/event_log.h"
#include "server/core/memory_run_store.h"
#include "server/store/run_directory.h"
#include "sim/simulation.h"
#include "sim/simulator.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

RunConfig ReplayedConfig() {
  RunConfig config;
  config.name = "test";
  config.seed = 3;
  config.rounds = 4;
  config.cohort.size = 6;
  config.cohort.quorum = 0.2;
  config.training.local.batch_size = 4;
  return config;
}

// Clients of which many never answer: every round has another set.
SimulationConfig Unreliable() {
  SimulationConfig simulation;
  simulation.data = "synthetic:5,100";
  simulation.population = 20;
  simulation.partition = "virtual";
  simulation.samples_per_client = 8;
  simulation.resolutions = "12, 16";
  simulation.drop_out = 0.4;
  return simulation;
}

class ReplayTest : public ::testing::Test {
 protected:
  ReplayTest() : population_(MakePopulation(Unreliable(), {}).value()) {}

  struct Ran {
    Status status;
    RecordedRounds recorded;
  };
  Ran Run(const SimulationConfig& behavior, const Replay* replay) {
    MemoryRunStore store;
    return RunIn(store, behavior, replay);
  }
  Ran RunIn(MemoryRunStore& store, const SimulationConfig& behavior,
            const Replay* replay) {
    ManualClock clock;
    RecordingEventSink events;
    const Interruption uninterrupted;
    Simulator::Options options;
    options.run.config = ReplayedConfig();
    options.run.model =
        BuiltInModel("gap-cnn-gn", {.classes = 4, .width = 4}).value();
    options.behavior = behavior;
    Ran ran;
    auto simulator = Simulator::Create(
        std::move(options), {clock, store, events, nullptr, *population_,
                             uninterrupted, nullptr, replay});
    ran.status = simulator.ok() ? (*simulator)->Run() : simulator.status();
    for (const auto& e : events.Of<RunStartedEvent>()) {
      ran.recorded.initial = e.initial_model;
    }
    for (const auto& e : events.Of<RoundCommittedEvent>()) {
      ran.recorded.rounds.push_back({e.contributors, e.model});
    }
    ran.recorded.finished = !store.finished().empty();
    return ran;
  }

  // As it stood after so many rounds.
  static RecordedRounds StoppedAfter(std::size_t rounds,
                                     RecordedRounds recorded) {
    recorded.rounds.resize(rounds);
    recorded.finished = false;
    return recorded;
  }
  Replay ReplayOf(RecordedRounds recorded) {
    return Replay::Create(std::move(recorded), *population_).value();
  }

  const std::unique_ptr<Population> population_;
};

TEST_F(ReplayTest, TheRecordedSetsGiveTheRecordedModels) {
  const Ran run = Run(Unreliable(), nullptr);
  ASSERT_OK(run.status);
  ASSERT_THAT(run.recorded.rounds, SizeIs(4));
  ASSERT_OK_AND_ASSIGN(const Replay replay,
                       Replay::Create(run.recorded, *population_));
  const Ran again = Run({}, &replay);
  EXPECT_OK(again.status);
  for (std::size_t r = 0; r < 4; ++r) {
    EXPECT_EQ(again.recorded.rounds[r].contributors,
              run.recorded.rounds[r].contributors);
    EXPECT_EQ(again.recorded.rounds[r].model, run.recorded.rounds[r].model);
  }
}

TEST_F(ReplayTest, TheFirstRoundThatDiffersIsNamed) {
  RecordedRounds recorded = Run(Unreliable(), nullptr).recorded;
  // One client fewer in round 3.
  recorded.rounds[2].contributors.pop_back();
  ASSERT_OK_AND_ASSIGN(const Replay replay,
                       Replay::Create(recorded, *population_));
  const Ran again = Run({}, &replay);
  EXPECT_THAT(again.status, Fails(kPrecondition, HasSubstr("round 3 differs")));
}

TEST_F(ReplayTest, AnotherInitialModelIsRefused) {
  RecordedRounds recorded = Run(Unreliable(), nullptr).recorded;
  recorded.initial.digest[0] ^= 1;
  ASSERT_OK_AND_ASSIGN(const Replay replay,
                       Replay::Create(recorded, *population_));
  EXPECT_THAT(Run({}, &replay).status,
              Fails(kPrecondition, HasSubstr("the initial model is")));
}

TEST_F(ReplayTest, AContributorThatIsNotThereIsNamed) {
  RecordedRounds recorded;
  recorded.rounds = {{{population_->NameOf(3)}, {}}, {{{"hospital-9"}}, {}}};
  EXPECT_THAT(
      Replay::Create(recorded, *population_).status(),
      Fails(kInvalid, HasSubstr("client 'hospital-9' took part in round 2")));
}

TEST_F(ReplayTest, AnUnfinishedRunIsReplayedOnOnceItHasGoneOn) {
  const RecordedRounds whole = Run(Unreliable(), nullptr).recorded;
  MemoryRunStore store;
  const Replay half = ReplayOf(StoppedAfter(2, whole));
  EXPECT_THAT(RunIn(store, {}, &half).recorded.rounds, SizeIs(2));
  EXPECT_EQ(store.finished(), "");
  const Replay rest = ReplayOf(whole);
  const Ran again = RunIn(store, {}, &rest);
  EXPECT_OK(again.status);
  EXPECT_THAT(again.recorded.rounds, SizeIs(2));
  EXPECT_EQ(store.finished(), "completed");
}

// What an earlier version left of the replay of an unfinished run.
TEST_F(ReplayTest, AFinishedReplayGoesOnWhereMoreRoundsAreRecorded) {
  RecordedRounds whole = Run(Unreliable(), nullptr).recorded;
  MemoryRunStore store;
  RecordedRounds half = StoppedAfter(2, whole);
  half.finished = true;
  const Replay first = ReplayOf(half);
  EXPECT_OK(RunIn(store, {}, &first).status);
  EXPECT_EQ(store.finished(), "completed");
  whole.rounds[3].model.digest[0] ^= 1;
  const Replay rest = ReplayOf(whole);
  EXPECT_THAT(RunIn(store, {}, &rest).status,
              Fails(kPrecondition, HasSubstr("round 4 differs")));
}

TEST_F(ReplayTest, ADirectoryOfMoreRoundsThanAreRecordedIsRefused) {
  const RecordedRounds whole = Run(Unreliable(), nullptr).recorded;
  MemoryRunStore store;
  const Replay first = ReplayOf(whole);
  EXPECT_OK(RunIn(store, {}, &first).status);
  const Replay shorter = ReplayOf(StoppedAfter(2, whole));
  EXPECT_THAT(RunIn(store, {}, &shorter).status,
              Fails(kPrecondition, HasSubstr("holds 4 rounds, the recorded "
                                             "run 2")));
}

class RecordedRoundsTest : public ::testing::Test {
 protected:
  void Write(const std::vector<Event>& events) {
    ManualClock clock;
    auto log = EventLog::Open(RunDirectory{dir_.path()}.events(), clock);
    ASSERT_OK(log);
    for (const Event& event : events) (*log)->Emit(event);
    (*log)->Flush();
  }
  static RoundCommittedEvent Commit(Round round, std::uint8_t model) {
    RoundCommittedEvent event;
    event.round = round;
    event.model.digest.fill(model);
    event.contributors = {{"a"}, {"b"}};
    return event;
  }
  StatusOr<RecordedRounds> Read() { return ReadRecordedRounds(dir_.path()); }

  const TempDir dir_;
};

TEST_F(RecordedRoundsTest, ACommitThatIsSaidTwiceCountsOnce) {
  RunStartedEvent started;
  started.initial_model.digest.fill(9);
  Write({started, Commit(1, 1), Commit(1, 1), Commit(2, 2)});
  ASSERT_OK_AND_ASSIGN(const RecordedRounds recorded, Read());
  EXPECT_EQ(recorded.initial, started.initial_model);
  ASSERT_THAT(recorded.rounds, SizeIs(2));
  EXPECT_EQ(recorded.rounds[1].model, Commit(2, 2).model);
  EXPECT_THAT(recorded.rounds[1].contributors, SizeIs(2));
}

TEST_F(RecordedRoundsTest, AMissingRoundIsDataLoss) {
  Write({RunStartedEvent{}, Commit(1, 1), Commit(3, 3)});
  EXPECT_THAT(Read(), Fails(absl::StatusCode::kDataLoss,
                            HasSubstr("round 2 is missing")));
}

TEST_F(RecordedRoundsTest, TwoModelsOfOneRoundAreDataLoss) {
  Write({RunStartedEvent{}, Commit(1, 1), Commit(1, 2)});
  EXPECT_THAT(Read(), Fails(absl::StatusCode::kDataLoss,
                            HasSubstr("round 1 was committed twice")));
}

TEST_F(RecordedRoundsTest, ADirectoryWithoutARunIsNamed) {
  EXPECT_THAT(Read(), Fails(kNotFound, HasSubstr(dir_.path().string())));
}

}  // namespace
}  // namespace fedgap
