#include "sim/simulator.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "common/federation/model_id.h"
#include "server/core/memory_run_store.h"
#include "sim/simulation.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/recording_event_sink.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace fedgap {
namespace {

using ::testing::HasSubstr;

RunConfig SmallConfig() {
  RunConfig config;
  config.name = "test";
  config.seed = 3;
  config.rounds = 4;
  config.cohort.size = 5;
  config.training.local.batch_size = 4;
  return config;
}

SimulationConfig Drawn() {
  SimulationConfig simulation;
  simulation.data = "synthetic:5,100";
  simulation.population = 40;
  simulation.partition = "virtual";
  simulation.samples_per_client = 8;
  simulation.resolutions = "12, 16";
  return simulation;
}

// Ends a simulation when so many updates are in.
class InterruptingSink final : public EventSink {
 public:
  InterruptingSink(Interruption& interruption, int updates)
      : interruption_(interruption), left_(updates) {}
  void Emit(const Event& event) override {
    if (!std::holds_alternative<UpdateAcceptedEvent>(event)) return;
    MutexLock lock(mutex_);
    if (--left_ == 0) interruption_.Request("enough");
  }
  void Flush() override {}

 private:
  Interruption& interruption_;
  Mutex mutex_;
  int left_ GUARDED_BY(mutex_);
};

class SimulatorTest : public ::testing::Test {
 protected:
  StatusOr<std::unique_ptr<Simulator>> Make(const RunConfig& config,
                                            const SimulationConfig& simulation,
                                            EventSink& events,
                                            const Interruption& interruption,
                                            int threads = 1) {
    population_ = MakePopulation(simulation, {}).value();
    Simulator::Options options;
    options.run.config = config;
    options.run.model =
        BuiltInModel("gap-cnn-gn",
                     {.classes = 4,
                      .width = 4,
                      .norm_role = config.model.norm_role == "local"
                                       ? TensorRole::kLocal
                                       : TensorRole::kShared})
            .value();
    options.threads = threads;
    options.behavior = simulation;
    options.local_tensors = directory_.path() / "local";
    return Simulator::Create(
        std::move(options),
        {clock_, store_, events, nullptr, *population_, interruption});
  }

  std::string Run(const RunConfig& config, int threads = 1) {
    const auto simulator =
        Make(config, Drawn(), events_, uninterrupted_, threads).value();
    EXPECT_OK(simulator->Run());
    return ToHex(simulator->model());
  }

  const TempDir directory_;
  ManualClock clock_;
  MemoryRunStore store_;
  RecordingEventSink events_;
  const Interruption uninterrupted_;
  std::unique_ptr<Population> population_;
};

TEST_F(SimulatorTest, RunsEveryRoundAndFinishes) {
  Run(SmallConfig());
  EXPECT_EQ(events_.Of<RoundCommittedEvent>().size(), 4u);
  EXPECT_EQ(store_.finished(), "completed");
  EXPECT_EQ(events_.Of<RunFinishedEvent>().at(0).reason, "completed");
  const auto simulation = events_.Of<SimulationStartedEvent>().at(0);
  EXPECT_EQ(simulation.clients, 40);
  // A million clients do not join one by one.
  EXPECT_TRUE(events_.Of<ClientJoinedEvent>().empty());
  EXPECT_EQ(events_.Of<FinalEvaluationEvent>().at(0).clients, 40);
}

TEST_F(SimulatorTest, ACohortIsDrawnAnewInEveryRound) {
  Run(SmallConfig());
  std::set<ClientName> seen;
  for (const auto& event : events_.Of<RoundStartedEvent>()) {
    EXPECT_EQ(event.cohort.size(), 5u);
    seen.insert(event.cohort.begin(), event.cohort.end());
  }
  EXPECT_GT(seen.size(), 10u);
}

TEST_F(SimulatorTest, ThreadsChangeNoBit) {
  const std::string one = Run(SmallConfig());
  // Where they are more than the cohort's 5 clients, several share a client.
  for (const int threads : {3, 7, 12}) {
    store_ = MemoryRunStore();
    EXPECT_EQ(Run(SmallConfig(), threads), one) << threads;
  }
}

// With local tensors, too: they are kept on the disk.
TEST_F(SimulatorTest, AnInterruptedRunGoesOnToTheSameModel) {
  for (const char* role : {"shared", "local"}) {
    RunConfig config = SmallConfig();
    config.cohort.size = 25;  // so that clients come again
    config.model.norm_role = role;
    store_ = MemoryRunStore();
    const std::string whole = Run(config);

    std::filesystem::remove_all(directory_ / "local");
    store_ = MemoryRunStore();
    Interruption interruption;
    InterruptingSink interrupting(interruption, 60);
    {
      const auto simulator =
          Make(config, Drawn(), interrupting, interruption).value();
      EXPECT_OK(simulator->Run());
      EXPECT_EQ(simulator->last_committed(), 2);
    }
    EXPECT_EQ(store_.finished(), "");
    EXPECT_EQ(Run(config), whole) << role;
    EXPECT_EQ(store_.finished(), "completed");
  }
}

TEST_F(SimulatorTest, AFinishedRunStaysAsItIs) {
  const std::string model = Run(SmallConfig());
  const auto committed = events_.Of<RoundCommittedEvent>().size();
  EXPECT_EQ(Run(SmallConfig()), model);
  EXPECT_EQ(events_.Of<RoundCommittedEvent>().size(), committed);
}

TEST_F(SimulatorTest, EndsEarlyWhenTheGoalIsReached) {
  RunConfig config = SmallConfig();
  config.stop.target_accuracy = 1e-6;
  Run(config);
  EXPECT_LT(events_.Of<RoundCommittedEvent>().size(), 4u);
  EXPECT_THAT(store_.finished(), HasSubstr("target"));
}

TEST_F(SimulatorTest, RefusedUpdatesThatABreakTheQuorumEndTheRun) {
  RunConfig config = SmallConfig();
  config.validation.max_abs_delta = 1e-9;
  const auto simulator = Make(config, Drawn(), events_, uninterrupted_).value();
  EXPECT_THAT(simulator->Run(),
              Fails(absl::StatusCode::kFailedPrecondition,
                    HasSubstr("round 1 would fail as often as it is tried")));
  EXPECT_EQ(events_.Of<UpdateRejectedEvent>().size(), 5u);
  EXPECT_EQ(events_.Of<RoundAbortedEvent>().size(), 1u);
}

TEST_F(SimulatorTest, AClientWhoseDataDoesNotFitIsNamed) {
  SimulationConfig simulation = Drawn();
  simulation.resolutions = "1";
  const auto simulator =
      Make(SmallConfig(), simulation, events_, uninterrupted_);
  ASSERT_OK(simulator);
  EXPECT_THAT((*simulator)->Run(),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("client-")));
}

// Virtual time decides who counts; nobody sleeps, and the others never train.
TEST_F(SimulatorTest, OnlyTheFirstOfAnOverSelectedCohortTrain) {
  RunConfig config = SmallConfig();
  config.cohort.over_selection = 2;
  SimulationConfig simulation = Drawn();
  simulation.seconds_per_megapixel = 1000;
  simulation.speed_spread = 1;
  const auto run = [&](int threads) {
    store_ = MemoryRunStore();
    const auto simulator =
        Make(config, simulation, events_, uninterrupted_, threads).value();
    EXPECT_OK(simulator->Run());
    return simulator->model();
  };
  const ModelId one = run(1);
  EXPECT_EQ(run(2), one);
  EXPECT_EQ(events_.Of<UpdateAcceptedEvent>().size(), 2u * 4 * 5);
  for (const auto& round : events_.Of<RoundCommittedEvent>()) {
    EXPECT_EQ(round.ending, "over_selection");
    EXPECT_EQ(round.contributors.size(), 5u);
  }
  for (const auto& round : events_.Of<VirtualRoundEvent>()) {
    EXPECT_EQ(round.selected, 10);
    EXPECT_EQ(round.late, 5);
    EXPECT_GT(round.seconds, 0);
  }
}

TEST_F(SimulatorTest, ARoundThatNobodyAnswersIsTriedAgainAndGivenUp) {
  RunConfig config = SmallConfig();
  SimulationConfig simulation = Drawn();
  simulation.drop_out = 0.999999;
  const auto simulator =
      Make(config, simulation, events_, uninterrupted_).value();
  EXPECT_THAT(simulator->Run(), Fails(absl::StatusCode::kFailedPrecondition,
                                      HasSubstr("round 1 failed 20 times")));
  EXPECT_EQ(events_.Of<RoundAbortedEvent>().size(), 20u);
}

TEST_F(SimulatorTest, ImpossibleCohortsAreRefusedAtOnce) {
  RunConfig config = SmallConfig();
  config.cohort.min_clients = 41;
  EXPECT_THAT(Make(config, Drawn(), events_, uninterrupted_),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("the simulation has 40 clients")));
  config = SmallConfig();
  config.cohort.size = 0;
  config.cohort.max_size = 39;
  EXPECT_THAT(Make(config, Drawn(), events_, uninterrupted_),
              Fails(absl::StatusCode::kInvalidArgument,
                    HasSubstr("cohort.max_size = 39")));
}

}  // namespace
}  // namespace fedgap
